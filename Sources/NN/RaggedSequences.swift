import Torch

/// Where the tokens of sequences of any lengths are: among those of the sequences filled up to one length,
/// and in groups of similar length, in which attention sees little that is not there.
struct RaggedSequences {
    /// Of each row among the B · T tokens of the sequences filled up, `[R]`.
    let places: Tensor
    /// The row of each of those tokens, `[B, T]`; 0 for what is not there.
    let rows: Tensor
    /// The sequences once more, from the longest.
    let groups: [Group]
    /// The row of each of the S tokens of all groups, `[S]`; 0 for what is not there.
    let grouped: Tensor
    /// Of each row among the tokens of all groups, `[R]`.
    let order: Tensor

    /// Sequences that are filled up to the longest of them.
    struct Group {
        let count: Int
        let length: Int
        /// Keeps attention from what is not there; nil where all is.
        let presence: AttentionPositions?
    }

    /// A group's shortest sequence has at least so much of the length of its longest: more groups would be
    /// small ones.
    private static let evenness = 0.9

    /// - Parameters:
    ///   - tokens: which of its tokens each sequence holds.
    ///   - length: T.
    ///   - device: of the tensors.
    init(_ tokens: [[Range<Int>]], length: Int, device: Device) {
        var places: [Int] = []
        var filled = Array(repeating: 0, count: tokens.count * length)
        let spans = tokens.enumerated().map { index, ranges in
            let first = places.count
            for token in ranges.joined() {
                filled[index * length + token] = places.count
                places.append(index * length + token)
            }
            return first..<places.count
        }
        var order = Array(repeating: 0, count: places.count)
        var grouped: [Int] = []
        groups = Self.grouped(spans).map { spans in
            let longest = spans[0].count
            for span in spans {
                for (token, row) in span.enumerated() { order[row] = grouped.count + token }
                grouped += Array(span) + Array(repeating: 0, count: longest - span.count)
            }
            return Group(lengths: spans.map(\.count), longest: longest, device: device)
        }
        func sent(_ numbers: [Int], _ shape: [Int]) -> Tensor {
            Tensor(numbers, shape: shape).sent(to: device)
        }
        self.places = sent(places, [places.count])
        rows = sent(filled, [tokens.count, length])
        self.order = sent(order, [order.count])
        self.grouped = sent(grouped, [grouped.count])
    }

    private static func grouped(_ spans: [Range<Int>]) -> [[Range<Int>]] {
        // By their first row too, so that the order is the same everywhere.
        let sorted = spans.sorted { ($1.count, $0.lowerBound) < ($0.count, $1.lowerBound) }
        return sorted.reduce(into: []) { groups, span in
            if let longest = groups.last?[0].count,
                Double(span.count) >= evenness * Double(longest)
            {
                groups[groups.count - 1].append(span)
            } else {
                groups.append([span])
            }
        }
    }
}

extension RaggedSequences.Group {
    fileprivate init(lengths: [Int], longest: Int, device: Device) {
        (count, length) = (lengths.count, longest)
        guard lengths.contains(where: { $0 < longest }) else {
            presence = nil
            return
        }
        let isThere = lengths.flatMap { length in (0..<longest).map { $0 < length ? 1 : 0 } }
        presence = AttentionPositions(
            present: Tensor(isThere, shape: [lengths.count, longest]).to(dtype: .bool)
                .sent(to: device))
    }
}
