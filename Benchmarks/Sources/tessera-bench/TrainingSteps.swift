import Data
import Methods
import NN
import Optimizers
import Torch
import Training
import VisionModels

/// Whole training steps: forward, backward, AdamW.
enum TrainingSteps {
    /// A supervised step of a vision transformer with a linear head on the class token.
    static func visionTransformer(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        var config = try encoder(settings)
        config.positions = .learned
        let encoder = try VisionTransformer(config, generator: generator)
        encoder.checkpointActivations(settings.checkpointing)
        let head = Linear(config.width, 1000, generator: generator)
        encoder.move(to: device)
        head.move(to: device)
        let parameters =
            encoder.namedParameters + head.namedParameters.map { ("head." + $0.name, $0.tensor) }
        let optimizer = AdamW(ParameterGroup.byDecay(parameters))
        let images = pictures(settings, device)
        let labels = Tensor((0..<settings.batch).map { $0 % 1000 }).to(device)
        return repeated(settings) {
            let loss = autocast(to: precision(settings), on: device) {
                head(encoder(images)[0..., 0]).crossEntropy(labels)
            }
            optimizer.clearGradients()
            loss.backward()
            optimizer.step(learningRate: 1e-4, weightDecay: 0.05)
        }
    }

    /// A pre-training step of MAE with its published decoder.
    static func maskedAutoencoder(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        var config = MAE.Config()
        config.normalizePixels = true
        let model = try MAE(
            config, backbone: VisionTransformer(encoder(settings), generator: generator),
            generator: generator)
        model.move(to: device)
        let optimizer = AdamW(ParameterGroup.byDecay(model.namedParameters), beta2: 0.95)
        let batch = ImageBatch(images: pictures(settings, device))
        return repeated(settings) {
            let loss = autocast(to: precision(settings), on: device) {
                model.loss(batch, at: Step(index: 0, epoch: 0, total: 1)).total
            }
            optimizer.clearGradients()
            loss.backward()
            optimizer.step(learningRate: 1e-4, weightDecay: 0.05)
        }
    }

    /// A pre-training step of I-JEPA: one context of 60 patches, four targets of 5 × 7, which are what
    /// its published masks give on average; predictor and moving average as published.
    static func jointEmbedding(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        var config = IJEPA.Config()
        config.predictorDepth = 6
        var shape = try encoder(settings)
        shape.classToken = false
        let model = try IJEPA(
            config, backbone: VisionTransformer(shape, generator: generator),
            generator: generator)
        model.move(to: device)
        let optimizer = AdamW(ParameterGroup.byDecay(model.namedParameters))
        let images = pictures(settings, device)
        func block(top: Int, left: Int, height: Int, width: Int) -> Tensor {
            let patches = (top..<top + height).flatMap { row in
                (left..<left + width).map { row * shape.grid.columns + $0 }
            }
            return Tensor(patches, shape: [1, patches.count])
                .expanded([settings.batch, patches.count]).contiguous().to(device)
        }
        let context = block(top: 8, left: 0, height: 5, width: 12)
        let targets = [(0, 0), (0, 6), (2, 3), (3, 5)].map { top, left in
            block(top: top, left: left, height: 5, width: 7)
        }
        let place = Step(index: 0, epoch: 0, total: 1)
        return repeated(settings) {
            let loss = autocast(to: precision(settings), on: device) {
                model.loss(images, contexts: [context], targets: targets).total
            }
            optimizer.clearGradients()
            loss.backward()
            optimizer.step(learningRate: 1e-4, weightDecay: 0.05)
            model.afterStep(place)
        }
    }

    /// A pre-training step of iBOT as published: two views of 224 and ten of 96 pixels, 8192 prototypes,
    /// masks of up to half of the patches, norms of gradients cut one by one.
    static func selfDistillation(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        var shape = VisionTransformer.Config.publishedIBOT
        shape.dropPath = 0
        let model = try IBOT<VisionTransformer.Config>(
            IBOT.Config(), backbone: VisionTransformer(shape, generator: generator),
            generator: generator)
        model.move(to: device)
        let optimizer = AdamW(
            ParameterGroup.byDecay(model.namedParameters.filter { $0.tensor.requiresGrad }))
        let sizes = [224, 224] + Array(repeating: 96, count: 10)
        let batch = ImageBatch(
            views: sizes.enumerated().map { index, size in
                Tensor.normal(
                    [settings.batch, 3, size, size], generator: Generator(seed: UInt64(index))
                ).to(device)
            })
        // After the epoch in which the prototypes stay as they are.
        let place = Step(index: 1, epoch: 1, total: 100)
        return repeated(settings) {
            let loss = autocast(to: precision(settings), on: device) {
                model.loss(batch, at: place).total
            }
            optimizer.clearGradients()
            loss.backward()
            GradientClipping.clipEachInPlace(optimizer.gradients, toNorm: 3)
            optimizer.step(learningRate: 1e-4, weightDecay: 0.05)
            model.afterStep(place)
        }
    }

    private static func repeated(
        _ settings: Settings, _ step: @escaping () -> Void
    ) -> () -> Void {
        { for _ in 0..<settings.repetitions { step() } }
    }

    static func encoder(_ settings: Settings) throws -> VisionTransformer.Config {
        guard let config = VisionTransformer.Config(size: settings.size) else {
            throw Competitor.Failure(description: "no encoder of size \(settings.size)")
        }
        return config
    }

    static func precision(_ settings: Settings) -> DType? {
        settings.precision == "bf16" ? .bfloat16 : nil
    }

    static func pictures(_ settings: Settings, _ device: Device) -> Tensor {
        Tensor.normal([settings.batch, 3, 224, 224], generator: Generator(seed: 1)).to(device)
    }
}
