/// Which samples an epoch has, in which order, whatever the batch and the number of processes.
///
/// A sample is named by a key, repetition · count + picture: the random draws of a sample depend on
/// its key, so a picture that an epoch has twice is augmented in two ways.
public protocol EpochOrder: Sendable {
    /// Samples of an epoch.
    var length: Int { get }

    /// The keys of an epoch's samples; a function of the arguments alone.
    func keys(epoch: Int, seed: UInt64) -> [Int]
}

/// Each picture once, as the source has them.
public struct StoredOrder: EpochOrder {
    public let length: Int

    public init(count: Int) { length = count }

    public func keys(epoch: Int, seed: UInt64) -> [Int] { Array(0..<length) }
}

/// Each picture once, in an order that every epoch draws anew.
public struct ShuffledOrder: EpochOrder {
    public let length: Int

    public init(count: Int) { length = count }

    public func keys(epoch: Int, seed: UInt64) -> [Int] {
        var random = CounterRandom(seed: seed, purpose: .order, epoch: epoch)
        return random.permutation(length)
    }
}
