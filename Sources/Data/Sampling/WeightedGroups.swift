import Foundation

/// Groups of pictures that take fixed shares of every epoch: balanced classes, mixed data sets.
///
/// A group of weight w gives ⌊w·N⌋ or one more of the N samples of an epoch. It goes through its
/// pictures in a random order and then through them again in another one, from epoch to epoch: all
/// are seen equally often, but for one.
public struct WeightedGroups: EpochOrder {
    public let length: Int
    private let count: Int
    private let groups: [[Int]]
    private let shares: [Int]

    /// - Parameters:
    ///   - groups: numbers of pictures; none may be empty.
    ///   - weights: one a group, in any unit, above 0.
    ///   - count: number of pictures of the source.
    ///   - length: samples of an epoch; nil for the number of pictures.
    public init(_ groups: [[Int]], weights: [Double], of count: Int, length: Int? = nil) {
        require(
            groups.count == weights.count && groups.allSatisfy { !$0.isEmpty }
                && weights.allSatisfy { $0 > 0 && $0.isFinite },
            "WeightedGroups: \(groups.count) groups of the weights \(weights)")
        (self.groups, self.count) = (groups, count)
        let length = length ?? count
        self.length = length
        shares = Self.apportion(length, by: weights)
    }

    /// Classes whose shares grow with their size to the power of 1 − `balance`.
    ///
    /// - Parameters:
    ///   - labels: the class of each picture, in the order of the source.
    ///   - balance: 0 leaves the classes as they are, 1 makes all of them equally frequent.
    public init(labels: [Int], balance: Double) {
        var members: [Int: [Int]] = [:]
        for (picture, label) in labels.enumerated() { members[label, default: []].append(picture) }
        let groups = members.sorted { $0.key < $1.key }.map(\.value)
        self.init(
            groups, weights: groups.map { pow(Double($0.count), 1 - balance) },
            of: labels.count)
    }

    public func keys(epoch: Int, seed: UInt64) -> [Int] {
        var pictures: [Int] = []
        pictures.reserveCapacity(length)
        for (group, members) in groups.enumerated() {
            let first = epoch * shares[group]
            var pass: (number: Int, order: [Int])?
            for draw in first..<first + shares[group] {
                let number = draw / members.count
                if pass?.number != number {
                    var random = CounterRandom(
                        seed: seed, purpose: .order, epoch: number, sample: 1 + group)
                    pass = (number, random.permutation(members.count))
                }
                if let pass { pictures.append(members[pass.order[draw % members.count]]) }
            }
        }
        var repetitions = [Int](repeating: 0, count: count)
        let keys = pictures.map { picture in
            defer { repetitions[picture] += 1 }
            return repetitions[picture] * count + picture
        }
        var random = CounterRandom(seed: seed, purpose: .order, epoch: epoch)
        return random.permutation(length).map { keys[$0] }
    }

    /// Whole numbers that add up to `total`, by the largest remainders.
    static func apportion(_ total: Int, by weights: [Double]) -> [Int] {
        let sum = weights.reduce(0, +)
        let exact = weights.map { $0 / sum * Double(total) }
        var shares = exact.map { Int($0) }
        let neediest = exact.indices.sorted {
            let (a, b) = (
                exact[$0] - exact[$0].rounded(.down), exact[$1] - exact[$1].rounded(.down)
            )
            return a != b ? a > b : $0 < $1
        }
        for group in neediest.prefix(max(0, total - shares.reduce(0, +))) { shares[group] += 1 }
        return shares
    }
}
