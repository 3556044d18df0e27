public import Torch

/// Which tokens of sequences become one, so that later blocks have fewer to compute.
///
/// Bolya et al., *Token Merging: Your ViT But Faster* (2023), section 3, for packed sequences:
///
/// 1. tokens at even places are A, those at odd places B; each of A finds the most alike of B
/// 2. the r of A with the largest likeness go into their B, tokens of different pictures last
/// 3. the new sequence is the rest of A, sorted by likeness, then all of B
///
/// B sequences, T tokens, T − r after merging.
public struct TokenMerging {
    /// Of the tokens of A, those that are merged, `[B, r]`.
    package let sources: Tensor
    /// Of the tokens of B, those that they are merged into, `[B, r]`.
    package let targets: Tensor
    /// Of the tokens of A, those that stay, `[B, ⌈T/2⌉ − r]`.
    package let kept: Tensor
    /// The picture of each new token, int64 `[B, T − r]`.
    ///
    /// That of its token of B: the mean of two large numbers would be that of no picture.
    public let samples: Tensor

    /// How tokens become one; they and the token of B count alike.
    public enum Reduction: Sendable, CaseIterable {
        case mean
        case maximum
        /// The mean, at the length of the longest of those of A; a token of B that none goes into stays.
        case meanAtLargestNorm
        /// The token of B alone.
        case drop
    }

    /// - Parameters:
    ///   - keys: what tokens are compared by, `[B, T, d]`.
    ///   - samples: the picture of each, int64 `[B, T]`.
    ///   - count: r, up to T / 2.
    public init(_ keys: Tensor, samples: Tensor, merging count: Int) {
        let length = keys.shape[1]
        require(
            (0...length / 2).contains(count), "\(count) of \(length) tokens cannot be merged")
        let (a, b) = Self.halves(keys.normalized())
        let (first, second) = Self.halves(samples)
        let (low, high) = (
            Tensor.full([], -Self.largest, device: keys.device),
            Tensor.full([], Self.largest, device: keys.device)
        )
        let likeness = a.matmul(b.transposed()).to(dtype: .float32)  // [B, A, B]
        let isSame = first.unsqueezed(2) .== second.unsqueezed(1)
        let isPadding = isSame .& (first.unsqueezed(2) .== PackedTokens.padding)
        // Padding goes first: it costs nothing.
        let scores = isPadding.select(high, else: isSame.select(likeness, else: low))
        let (best, partner) = scores.max(2)
        let order = best.stableArgsort(1, descending: true)
        sources = order[0..., ..<count]
        kept = order[0..., count...]
        targets = partner.gathered(sources, 1)
        self.samples = concatenated([first.gathered(kept, 1), second], 1)
    }

    /// The largest finite number of fp32.
    private static let largest = Double(Float.greatestFiniteMagnitude)

    /// The tokens at even and at odd places of `[B, T]` or `[B, T, C]`.
    private static func halves(_ x: Tensor) -> (Tensor, Tensor) {
        let length = x.shape[1]
        func every(from start: Int) -> Tensor {
            x.selecting(.range(start..<length, by: 2, device: x.device), 1)
        }
        return (every(from: 0), every(from: 1))
    }

    /// The new sequence of `[B, T, C]`, `[B, T − r, C]`, in its type.
    public func merge(_ x: Tensor, by reduction: Reduction = .mean) -> Tensor {
        let width = x.shape[2]
        func wide(_ indices: Tensor) -> Tensor { indices.unsqueezed(-1).expanded([-1, -1, width]) }
        let (a, b) = Self.halves(x.to(dtype: .float32))
        let moving = a.gathered(wide(sources), 1)
        var merged =
            switch reduction {
            case .drop: b
            case .maximum: b.scatterMaximum(moving, at: wide(targets), 1)
            case .mean, .meanAtLargestNorm: b.scatterAveraging(moving, at: wide(targets), 1)
            }
        if reduction == .meanAtLargestNorm {
            // Below any norm, so that it shows what nothing came to.
            let nothing = Tensor.full(Array(b.shape.dropLast()), -1, device: b.device)
            let largest = nothing.scatterMaximum(moving.norm(-1), at: targets, 1).unsqueezed(-1)
            merged = (largest .< 0).select(b, else: merged.normalized() * largest)
        }
        return concatenated([a.gathered(wide(kept), 1), merged], 1).to(dtype: x.dtype)
    }

    /// Where each token of the old sequence is in the new one, int64 `[B, T]`.
    var places: Tensor {
        let (batch, keptCount) = kept.shape2
        let device = kept.device
        func zeros(_ length: Int) -> Tensor {
            .zeros([batch, length], dtype: .int64, device: device)
        }
        func row(_ range: Range<Int>, by step: Int = 1) -> Tensor {
            .range(range, by: step, device: device).unsqueezed(0).expanded([batch, -1])
        }
        let (countA, countB) = (keptCount + sources.shape[1], samples.shape[1] - keptCount)
        // Every place is written once: adding to zero is setting.
        let ofA = zeros(countA).scatterAdding(row(0..<keptCount), at: kept, 1)
            .scatterAdding(
                targets + .full([1], Double(keptCount), dtype: .int64, device: device),
                at: sources, 1)
        let length = countA + countB
        return zeros(length).scatterAdding(ofA, at: row(0..<length, by: 2), 1)
            .scatterAdding(row(keptCount..<keptCount + countB), at: row(1..<length, by: 2), 1)
    }
}

/// Where the tokens of a sequence are after several mergings.
public struct MergedPlaces {
    /// int64 `[B, T]`, from 0 to the number of merged tokens.
    package let places: Tensor
    private let count: Int

    /// After one merging, the first or one that follows `earlier`.
    public init(_ merging: TokenMerging, after earlier: MergedPlaces? = nil) {
        let new = merging.places
        places = earlier.map { new.gathered($0.places, 1) } ?? new
        count = merging.samples.shape[1]
    }

    /// Each old token's new one: `[B, T', C] -> [B, T, C]`.
    public func unmerge(_ x: Tensor) -> Tensor { x.selectingTokens(places) }

    /// Which old tokens each new one is made of, ones and zeros, `[B, T', T]`.
    public var membership: Tensor {
        places.oneHot(classCount: count).transposed().to(dtype: .float32)
    }

    /// The mean of the old tokens of each new one: `[B, T, C] -> [B, T', C]`.
    public func merge(_ x: Tensor) -> Tensor {
        let members = membership
        return (members / members.sum(-1, keepDim: true)).matmul(x)
    }
}
