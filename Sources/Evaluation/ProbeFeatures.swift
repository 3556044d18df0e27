import Data
public import Torch

/// What a probe is trained on: features that were extracted once, or anew in every epoch from other crops.
public protocol ProbeFeatures {
    /// Pictures of an epoch.
    var count: Int { get }

    /// The length of a feature, D.
    var width: Int { get }

    var classCount: Int { get }

    /// Where the features lie.
    var device: Device { get }

    /// The whole batches of an epoch, in an order drawn anew for each; what is left over is dropped.
    ///
    /// - Parameters:
    ///   - epoch: counted from 0.
    ///   - batch: pictures of each, at most `count`.
    ///   - seed: of the order.
    /// - Returns: a function that gives features `[batch, D]` and class numbers `[batch]`, then nil.
    /// - Throws: what reading pictures throws.
    func batches(epoch: Int, of batch: Int, seed: UInt64) throws -> () throws -> LinearProbe.Batch?

    /// Throws `EvaluationError` unless a classifier can be trained on them.
    func validate() throws
}

extension Features: ProbeFeatures {
    public var device: Device { values.device }

    public func batches(epoch: Int, of batch: Int, seed: UInt64) -> () throws -> LinearProbe.Batch?
    {
        var random = CounterRandom(seed: seed, purpose: .evaluation, epoch: epoch)
        let order = Tensor(random.permutation(count)).to(device)
        let labels = labelTensor
        var start = 0
        return {
            guard start + batch <= count else { return nil }
            defer { start += batch }
            let rows = order[start..<(start + batch)]
            return (values.selecting(rows, 0), labels.selecting(rows, 0))
        }
    }

    public func validate() throws { try EvaluationError.check(self, "training") }
}
