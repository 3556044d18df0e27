import Imaging
public import Torch

extension ImageBatch {
    /// The first view mixed, with soft targets `[B, classCount]`; a function of the seed, the
    /// epoch and the picture in the first row, which no other batch of the epoch has.
    public func mixed(by mixing: Mixing, classCount: Int) -> (images: Tensor, targets: Tensor) {
        var random = CounterRandom(
            seed: seed, purpose: .mixing, epoch: position.epoch, sample: keys.first ?? 0)
        let (_, _, height, width) = images.shape4
        let size = PixelSize(height: height, width: width)
        let plan = mixing.plan(count: count, size: size, random: &random)
        return (
            plan.images(images),
            plan.targets(
                labels, classCount: classCount, smoothing: mixing.smoothing, imageSize: size)
        )
    }
}
