/// Repeated augmentation: Hoffer et al., *Augment Your Batch* (2020); Berman et al., *MultiGrain*
/// (2019).
///
/// Each picture of a shuffled epoch stands several times in a row, augmented in several ways. The
/// epoch stays about as long as the data set, so it has only every `times`-th picture.
public struct RepeatedAugmentation: EpochOrder {
    /// Number of pictures.
    public let count: Int
    /// Samples that a picture stands for.
    public let times: Int
    /// The length of an epoch is cut to a multiple of this, where it is that long.
    public let rounding: Int

    public init(count: Int, times: Int = 3, rounding: Int = 256) {
        require(count > 0 && times > 0 && rounding > 0, "RepeatedAugmentation: \(times) times")
        (self.count, self.times, self.rounding) = (count, times, rounding)
    }

    public var length: Int { count < rounding ? count : count / rounding * rounding }

    public func keys(epoch: Int, seed: UInt64) -> [Int] {
        keys(pictures: ShuffledOrder(count: count).keys(epoch: epoch, seed: seed))
    }

    /// The keys for pictures in the given order.
    func keys(pictures: [Int]) -> [Int] {
        (0..<length).map { place in place % times * count + pictures[place / times] }
    }
}
