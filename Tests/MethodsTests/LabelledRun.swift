import Data
import Foundation
import Imaging
import NN
import Optimizers
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// Grey pictures of 8 × 8 pixels in memory, with a bright third that says their class.
struct LabelledPictures: ImageSource {
    var count = 24
    var classNames = ["top", "middle", "bottom"]

    func label(at index: Int) -> Int? { classNames.isEmpty ? nil : index % classNames.count }
    func name(at index: Int) -> String { "picture \(index)" }
    func load(_ index: Int, into picture: inout StoredPicture) throws {
        picture.form = .decoded
        picture.pixels = ImageBuffer(
            width: 8, height: 8, channels: 1,
            pixels: (0..<64).map { place in
                UInt8((place / 24 == index % 3 ? 190 : 40) + (index * 7 + place * 3) % 50)
            })
    }
}

/// Models, runs and checkpoints that are made in no time.
enum LabelledRun {
    /// A ViT as fine-tuning has it.
    static var model: VisionTransformer.Config {
        var config = VisionTransformer.Config.fineTuned
        (config.imageSize, config.patchSize, config.channels) = (8, 4, 1)
        (config.width, config.depth, config.heads, config.dropPath) = (16, 2, 2, 0)
        return config
    }

    static func mae() throws -> MAE {
        var shape = model
        (shape.positions, shape.pooling, shape.finalNorm) = (.sinCos, .token, .tokens)
        var config = MAE.Config()
        (config.decoderWidth, config.decoderDepth, config.decoderHeads) = (8, 1, 2)
        let generator = Generator(seed: 4)
        return try MAE(config, backbone: shape.encoder(generator: generator), generator: generator)
    }

    static func iBOT() throws -> IBOT<VisionTransformer.Config> {
        var shape = model
        (shape.pooling, shape.finalNorm, shape.masksPatches) = (.token, .tokens, true)
        var config = IBOT<VisionTransformer.Config>.Config()
        (config.sharedHead, config.prototypes) = (true, 10)
        (config.head.width, config.head.bottleneck) = (24, 6)
        let generator = Generator(seed: 5)
        return try IBOT(
            config, backbone: shape.encoder(generator: generator), generator: generator)
    }

    /// 4 steps of 6 pictures an epoch, 3 epochs, every step logged.
    static func settings(
        _ change: (inout RunConfiguration<ViTFineTuning.Config>) -> Void = { _ in }
    ) -> RunConfiguration<ViTFineTuning.Config> {
        var run = RunConfiguration<ViTFineTuning.Config>()
        run.run.method = ViTFineTuning.name
        (run.run.device, run.run.precision, run.run.threads) = (.cpu, .float32, 1)
        (run.run.logEvery, run.run.saveEvery, run.run.keep) = (1, 100, 9)
        (run.data.batchSize, run.data.workers) = (6, 1)
        (run.data.mean, run.data.std) = ([0.5], [0.25])
        run.data.augment = [
            Transform(RandomCrop(size: 8, padding: 1)), Transform(RandomErasing()),
        ]
        run.model = model
        run.model.dropPath = 0.2
        run.method.classes = 3
        run.optim.lr = 3e-3
        (run.schedule.epochs, run.schedule.warmupEpochs) = (3, 0.5)
        change(&run)
        return run
    }

    /// Trains as far as the settings say, in a folder that perhaps holds a run already.
    @discardableResult
    static func train(
        _ settings: RunConfiguration<ViTFineTuning.Config>, in path: String, probe: Probe? = nil
    ) throws -> Trainer<ViTFineTuning> {
        // A run sets it for its thread, which other tests use after this one.
        defer { TorchSettings.flushDenormals(false) }
        let isNew = !FileManager.default.fileExists(atPath: path + "/config.yaml")
        let folder = try isNew ? RunFolder.create(path) : RunFolder.open(path)
        if isNew { try Data("run: {method: finetune}".utf8).write(to: folder.configuration) }
        let trainer = try Trainer<ViTFineTuning>(
            settings, source: LabelledPictures(), folder: folder, probe: probe,
            progress: ProgressLine(silent: true))
        _ = try trainer.run()
        return trainer
    }

    /// A folder that goes with the last reference to it.
    final class Folder {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("tessera-methods-\(UUID().uuidString)", isDirectory: true)
        private var count = 0

        init() throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        func path(_ name: String) -> String { url.appendingPathComponent(name).path }

        /// Writes a checkpoint as a run does; `trained` with an optimiser that has stepped.
        func save(_ method: some PretrainingMethod, trained: Bool) throws -> String {
            let optimizer = AdamW(ParameterGroup.byDecay(method.namedParameters))
            if trained {
                let sum = method.namedParameters.filter(\.tensor.requiresGrad)
                    .map { $0.tensor.sum() }
                sum.dropFirst().reduce(sum[0], +).backward()
                optimizer.step(learningRate: 1e-3)
                optimizer.clearGradients()
            }
            count += 1
            let path = self.path("step-\(count).safetensors")
            try TrainingState(
                step: 1, model: method, optimizer: optimizer, scaler: nil,
                generator: Generator(seed: 0)
            ).write(to: URL(fileURLWithPath: path), metadata: [:])
            return path
        }
    }
}
