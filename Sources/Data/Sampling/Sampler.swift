/// Where a run is: the next batch is step `step` of epoch `epoch`.
public struct LoaderPosition: Codable, Sendable, Equatable, Comparable {
    public var epoch: Int
    public var step: Int

    public init(epoch: Int = 0, step: Int = 0) { (self.epoch, self.step) = (epoch, step) }

    public static func < (a: Self, b: Self) -> Bool { (a.epoch, a.step) < (b.epoch, b.step) }
}

/// Which pictures each step of each epoch takes, on each of the processes that share a run.
///
/// Step s takes the places [s·B, (s+1)·B) of the epoch's order, which depends on (seed, epoch) alone;
/// process r of W takes every W-th of them, from the r-th on. So the global batches are the same for
/// any W, and nothing is taken twice or left out but for the last, partial batch.
public struct Sampler: Sendable {
    /// Number of pictures.
    public let count: Int
    /// Which pictures an epoch has, and in which order.
    public let order: any EpochOrder
    /// Pictures of a step, over all processes.
    public let globalBatchSize: Int
    public let seed: UInt64
    /// Whether a last batch that is not full is left out.
    public let dropsLast: Bool
    public let worldSize: Int
    public let rank: Int

    /// Takes each picture once an epoch.
    ///
    /// - Parameters:
    ///   - count: number of pictures.
    ///   - globalBatchSize: pictures of a step, over all processes.
    ///   - seed: of the order.
    ///   - shuffles: false for every epoch in the order of the source.
    ///   - dropsLast: whether a last batch that is not full is left out.
    ///   - worldSize: number of processes.
    ///   - rank: the number of this process.
    /// - Throws: `DataError` if the batch does not divide among the processes or there are fewer
    ///   pictures than one batch needs.
    public init(
        count: Int, globalBatchSize: Int, seed: UInt64, shuffles: Bool = true,
        dropsLast: Bool = true, worldSize: Int = 1, rank: Int = 0
    ) throws {
        let order: any EpochOrder =
            shuffles ? ShuffledOrder(count: count) : StoredOrder(count: count)
        try self.init(
            order, of: count, globalBatchSize: globalBatchSize, seed: seed, dropsLast: dropsLast,
            worldSize: worldSize, rank: rank)
    }

    /// Takes what `order` says of `count` pictures; throws as the other initialiser.
    public init(
        _ order: any EpochOrder, of count: Int, globalBatchSize: Int, seed: UInt64,
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
        guard order.length >= (dropsLast ? globalBatchSize : 1) else {
            throw DataError(
                .tooFewPictures, "batch size",
                "is \(globalBatchSize) but there are only \(order.length) pictures",
                remedy: "lower the batch size or add pictures")
        }
        (self.count, self.order, self.seed) = (count, order, seed)
        (self.globalBatchSize, self.dropsLast) = (globalBatchSize, dropsLast)
        (self.worldSize, self.rank) = (worldSize, rank)
    }

    public var stepsPerEpoch: Int {
        dropsLast
            ? order.length / globalBatchSize
            : (order.length + globalBatchSize - 1) / globalBatchSize
    }

    /// Most pictures of a step on this process.
    public var batchSize: Int { globalBatchSize / worldSize }

    /// The keys of an epoch's samples in their global order.
    public func keys(epoch: Int) -> [Int] { order.keys(epoch: epoch, seed: seed) }

    /// The picture of a key.
    public func picture(of key: Int) -> Int { key % count }

    /// The places of the global order that this process takes in a step.
    public func places(step: Int) -> StrideTo<Int> {
        require(
            (0..<stepsPerEpoch).contains(step), "Sampler: step \(step) of \(stepsPerEpoch)")
        let start = step * globalBatchSize
        return stride(
            from: start + rank, to: min(start + globalBatchSize, order.length), by: worldSize)
    }

    /// The position after `position`.
    public func advance(_ position: LoaderPosition) -> LoaderPosition {
        position.step + 1 < stepsPerEpoch
            ? LoaderPosition(epoch: position.epoch, step: position.step + 1)
            : LoaderPosition(epoch: position.epoch + 1)
    }
}
