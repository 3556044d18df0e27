/// Where a run is: the next batch is step `step` of epoch `epoch`.
public struct LoaderPosition: Codable, Sendable, Equatable, Comparable {
    public var epoch: Int
    public var step: Int

    public init(epoch: Int = 0, step: Int = 0) { (self.epoch, self.step) = (epoch, step) }

    public static func < (a: Self, b: Self) -> Bool { (a.epoch, a.step) < (b.epoch, b.step) }
}

/// Which pictures each step of each epoch takes, on each of the processes that share a run.
///
/// An epoch's global order is a permutation that depends on (seed, epoch) alone. Step s takes its
/// places [s·B, (s+1)·B); process r of W takes the r-th W-th part of them. So the global batches are
/// the same for any W, and no picture is taken twice or left out but for the last, partial batch.
public struct Sampler: Sendable, Equatable {
    /// Number of pictures.
    public let count: Int
    /// Pictures of a step, over all processes.
    public let globalBatchSize: Int
    public let seed: UInt64
    /// False: every epoch in the order of the source.
    public let shuffles: Bool
    /// Whether a last batch that is not full is left out.
    public let dropsLast: Bool
    public let worldSize: Int
    public let rank: Int

    /// - Throws: `DataError` if the batch does not divide among the processes or there are fewer
    ///   pictures than one batch needs.
    public init(
        count: Int, globalBatchSize: Int, seed: UInt64, shuffles: Bool = true,
        dropsLast: Bool = true, worldSize: Int = 1, rank: Int = 0
    ) throws {
        require(
            worldSize > 0 && (0..<worldSize).contains(rank), "Sampler: rank \(rank) of \(worldSize)"
        )
        guard globalBatchSize > 0, globalBatchSize % worldSize == 0 else {
            throw DataError(
                .tooFewPictures, "batch size", "is \(globalBatchSize) on \(worldSize) processes",
                remedy: "choose a multiple of \(worldSize)")
        }
        guard count >= (dropsLast ? globalBatchSize : 1) else {
            throw DataError(
                .tooFewPictures, "batch size",
                "is \(globalBatchSize) but there are only \(count) pictures",
                remedy: "lower the batch size or add pictures")
        }
        (self.count, self.globalBatchSize, self.seed) = (count, globalBatchSize, seed)
        (self.shuffles, self.dropsLast) = (shuffles, dropsLast)
        (self.worldSize, self.rank) = (worldSize, rank)
    }

    public var stepsPerEpoch: Int {
        dropsLast ? count / globalBatchSize : (count + globalBatchSize - 1) / globalBatchSize
    }

    /// Most pictures of a step on this process.
    public var batchSize: Int { globalBatchSize / worldSize }

    /// The epoch's pictures in their global order.
    public func order(epoch: Int) -> [Int] {
        guard shuffles else { return Array(0..<count) }
        var random = CounterRandom(seed: seed, purpose: .order, epoch: epoch)
        return random.permutation(count)
    }

    /// The places of the global order that this process takes in a step.
    public func places(step: Int) -> Range<Int> {
        require(
            (0..<stepsPerEpoch).contains(step), "Sampler: step \(step) of \(stepsPerEpoch)")
        let start = step * globalBatchSize
        let size = min(globalBatchSize, count - start)
        return start + size * rank / worldSize..<start + size * (rank + 1) / worldSize
    }

    /// The position after `position`.
    public func advance(_ position: LoaderPosition) -> LoaderPosition {
        position.step + 1 < stepsPerEpoch
            ? LoaderPosition(epoch: position.epoch, step: position.step + 1)
            : LoaderPosition(epoch: position.epoch + 1)
    }
}
