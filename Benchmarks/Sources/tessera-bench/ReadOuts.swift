import Evaluation
import NN
import Torch
import VisionModels

/// An epoch of training read-outs on the tokens of ViT-S/16, 197 of 384 numbers a picture.
enum ReadOuts {
    static func epoch(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let encoder = try VisionTransformer(
            TrainingSteps.encoder(settings), generator: Generator(seed: 0))
        encoder.move(to: device)
        encoder.evaluate()
        let form = TokenForm(encoder)
        let test = tokens(4, of: form, on: device)
        var config = ReadOutProbes.Config()
        config.readOuts = settings.readOuts.compactMap(ReadOutKind.init(rawValue:))
        config.rateFactors = (0..<settings.rates).map { 1 / Double($0 + 1) }
        (config.optimizer, config.epochs, config.batch) = (.sgd, 1, settings.batch)
        func train(_ features: some ProbeFeatures) -> () -> Void {
            {
                do {
                    _ = try ReadOutProbes.run(train: features, test: test, form: form, config)
                } catch {
                    fatalError("\(error)")
                }
            }
        }
        guard settings.encodes else {
            return train(tokens(settings.trainCount, of: form, on: device))
        }
        var choice = FeatureExtractor.Config()
        choice.tokens = .all
        return train(
            EncodedBatches(
                extractor: try FeatureExtractor(encoder, choice),
                images: TrainingSteps.pictures(settings, device), count: settings.trainCount))
    }

    private static func tokens(_ count: Int, of form: TokenForm, on device: Device) -> Features {
        Features(
            values: Tensor.normal(
                [count, form.tokenCount * form.width], generator: Generator(seed: UInt64(count))
            ).to(device), labels: (0..<count).map { $0 % 1000 })
    }
}

/// Tokens that the encoder makes while the heads are trained.
private struct EncodedBatches: ProbeFeatures {
    let extractor: FeatureExtractor
    /// Of every batch.
    let images: Tensor
    let count: Int

    var width: Int { extractor.width }
    var classCount: Int { 1000 }
    var device: Device { images.device }

    func batches(epoch: Int, of batch: Int, seed: UInt64) -> () throws -> LinearProbe.Batch? {
        var left = count / batch
        return {
            guard left > 0 else { return nil }
            left -= 1
            let labels = Tensor((0..<batch).map { ($0 * 7 + left) % 1000 }).to(images.device)
            return (extractor(images), labels)
        }
    }

    func validate() {}
}
