import Evaluation
import NN
import Torch
import VisionModels

/// Linear classifiers at many learning rates, trained at once.
enum Sweep {
    /// An epoch on features that were extracted before: class tokens of four blocks of a ViT-S.
    static func features(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        let values = Tensor.normal([settings.trainCount, 4 * 384], generator: generator).to(device)
        let labels = Tensor((0..<settings.trainCount).map { $0 % settings.classes }).to(device)
        let sweep = sweep(settings, width: 4 * 384, device)
        return {
            for start in stride(from: 0, to: settings.trainCount, by: settings.batch) {
                let rows = start..<min(start + settings.batch, settings.trainCount)
                sweep.step(values[rows], labels[rows], factor: 1)
            }
        }
    }

    /// A step on pictures, the pass of a frozen ViT-S/16 over them included.
    static func pictures(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        var config = VisionTransformer.Config()
        (config.width, config.heads, config.positions) = (384, 6, .learned)
        let encoder = try VisionTransformer(config, generator: generator)
        encoder.move(to: device)
        encoder.evaluate()
        var form = FeatureExtractor.Config()
        form.blocks = 4
        let extractor = try FeatureExtractor(encoder, form)
        let images = Tensor.normal([settings.batch, 3, 224, 224], generator: generator).to(device)
        let labels = Tensor((0..<settings.batch).map { $0 % settings.classes }).to(device)
        let sweep = sweep(settings, width: extractor.width, device)
        return { sweep.step(extractor(images), labels, factor: 1) }
    }

    private static func sweep(_ settings: Settings, width: Int, _ device: Device) -> LinearSweep {
        let rates = LinearSweep.Config.publishedRates.prefix(settings.probes)
        let weights =
            Tensor.normal(
                [settings.classes, width], generator: Generator(seed: 1)) * 0.01
        return LinearSweep(
            // Rates at which nothing diverges, so that only finite numbers are computed with.
            rates.map {
                LinearSweep.Probe(learningRate: $0 / 100, weightDecay: 0, optimizer: .sgd)
            },
            start: (weights.to(device), Tensor.zeros([settings.classes], device: device)),
            batch: settings.batch)
    }
}
