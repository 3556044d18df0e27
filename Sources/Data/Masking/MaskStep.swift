/// What the masks of one step of training are drawn from.
///
/// The stream of a picture is a function of (seed, epoch, key, view), what a batch has in common of
/// (seed, epoch, step, view): nothing else changes a mask.
public struct MaskStep: Sendable {
    /// The number that the draws of each picture depend on.
    public let keys: [Int]
    public let position: LoaderPosition
    public let seed: UInt64
    public let view: Int

    public init(keys: [Int], position: LoaderPosition, seed: UInt64, view: Int = 0) {
        (self.keys, self.position, self.seed, self.view) = (keys, position, seed, view)
    }

    public var epoch: Int { position.epoch }

    /// The stream of a picture.
    public func random(of key: Int) -> CounterRandom {
        CounterRandom(seed: seed, purpose: .mask, epoch: epoch, sample: key, view: view)
    }

    /// The stream of what the masks of the step have in common.
    public var sharedRandom: CounterRandom {
        CounterRandom(
            seed: seed, purpose: .maskSize, epoch: epoch, sample: position.step, view: view)
    }
}

extension ImageBatch {
    /// What the masks of a view of the batch are drawn from.
    public func maskStep(view: Int = 0) -> MaskStep {
        MaskStep(keys: keys, position: position, seed: seed, view: view)
    }
}
