import Configuration
import Data
import Foundation
import Imaging
import NN
import TensorFiles
import Torch
import VisionModels

@testable import Training

/// Tells the pixels of a picture from the mean of its tokens; draws nothing at random.
final class TinyMethod: Module, PretrainingMethod {
    struct Config: MethodConfiguration {
        /// Steps, counted from 0, whose loss is infinite.
        var infiniteAt: [Int] = []

        static let documentation = ["infiniteAt": "steps whose loss is infinite"]
    }
    static let name = "tiny"

    let backbone: VisionTransformer
    let head: Linear
    private let config: Config

    override class var stateNames: [String: String] { ["backbone": ""] }

    init(_ config: Config, backbone: VisionTransformer, generator: Generator) throws {
        let size = backbone.config
        self.config = config
        self.backbone = backbone
        head = Linear(
            size.width, size.channels * size.imageSize * size.imageSize, generator: generator)
    }

    func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        let predicted = head(backbone.pooled(backbone(batch.images)))  // [B, C·S·S]
        let error = predicted.meanSquaredError(batch.images.reshaped(predicted.shape))
        let isInfinite = config.infiniteAt.contains(step.index)
        return Losses(total: isInfinite ? error * .infinity : error, parts: [("error", error)])
    }
}

typealias TinySettings = RunConfiguration<TinyMethod.Config>

/// Runs of a model that trains in no time.
enum TinyRun {
    /// 4 steps of 8 pictures an epoch, 5 epochs at a fixed learning rate, every step logged.
    static func settings(_ change: (inout TinySettings) -> Void = { _ in }) -> TinySettings {
        var settings = TinySettings()
        settings.run.method = TinyMethod.name
        settings.run.device = .cpu
        settings.run.precision = .float32
        settings.run.threads = 1
        settings.run.logEvery = 1
        settings.run.saveEvery = 100
        settings.data.batchSize = 8
        settings.data.workers = 1
        settings.data.mean = [0.5]
        settings.data.std = [0.25]
        settings.model.imageSize = 8
        settings.model.patchSize = 4
        settings.model.channels = 1
        settings.model.width = 16
        settings.model.depth = 1
        settings.model.heads = 2
        settings.optim.lr = 1e-2
        settings.schedule.epochs = 5
        settings.schedule.warmupEpochs = 0
        change(&settings)
        return settings
    }

    /// Trains as far as the settings say, in a folder that perhaps holds a run already.
    @discardableResult
    static func train(
        _ settings: TinySettings, in path: String, source: any ImageSource = MemorySource(),
        probe: Probe? = nil
    ) throws -> Trainer<TinyMethod>.Outcome {
        // A run sets it for its thread, which other tests use after this one.
        defer { TorchSettings.flushDenormals(false) }
        let trainer = try Trainer<TinyMethod>(
            settings, source: source, folder: try folder(path, settings), probe: probe,
            progress: ProgressLine(silent: true))
        return try trainer.run()
    }

    /// The folder of a run, with its configuration.
    static func folder(_ path: String, _ settings: TinySettings) throws -> RunFolder {
        guard !FileManager.default.fileExists(atPath: path + "/config.yaml") else {
            return try RunFolder.open(path)
        }
        let folder = try RunFolder.create(path)
        let model = settings.model
        let yaml = """
            run: {method: tiny, device: cpu, precision: float32}
            data: {batchSize: \(settings.data.batchSize), mean: [0.5], std: [0.25]}
            model: {imageSize: \(model.imageSize), patchSize: \(model.patchSize), \
            channels: \(model.channels), width: \(model.width), depth: \(model.depth), \
            heads: \(model.heads)}
            """
        try Data(yaml.utf8).write(to: folder.configuration)
        return folder
    }

    static func metrics(_ path: String) throws -> [MetricsRecord] {
        try MetricsLog.read(URL(fileURLWithPath: path + "/metrics.jsonl"))
    }

    /// The checkpoint of a step.
    static func checkpoint(_ path: String, step: Int) throws -> URL {
        let all = CheckpointStore(URL(fileURLWithPath: path + "/checkpoints"), keep: 1).all()
        guard let found = all.first(where: { $0.step == step }) else {
            throw RunFolderError("\(path) has no checkpoint of step \(step)")
        }
        return found.url
    }
}

/// Grey pictures of 10 × 10 pixels in memory: bright where their class says; some cannot be read.
struct MemorySource: ImageSource {
    var count = 32
    var bad: Set<Int> = []
    let classNames = ["top", "bottom"]

    func label(at index: Int) -> Int? { index % 2 }
    func name(at index: Int) -> String { "picture \(index)" }
    func load(_ index: Int, into picture: inout StoredPicture) throws {
        guard !bad.contains(index) else {
            throw ImageError(.corrupt, name: name(at: index), reason: "is bad on purpose")
        }
        picture.form = .decoded
        picture.pixels = ImageBuffer(
            width: 10, height: 10, channels: 1,
            pixels: (0..<100).map { place in
                UInt8((place / 50 == index % 2 ? 190 : 40) + (index * 7 + place * 3) % 50)
            })
    }
}

/// The bytes of tensors by name, to compare to the bit.
func bytes(_ tensors: [(name: String, tensor: Tensor)]) -> [String: [UInt8]] {
    Dictionary(
        uniqueKeysWithValues: tensors.map { name, tensor in
            (name, tensor.detached().contiguous().withUnsafeBytes { [UInt8]($0) })
        })
}

/// The bytes of a file's tensors whose names start with `prefix`.
func bytes(of url: URL, under prefix: String = "") throws -> [String: [UInt8]] {
    let file = try SafeTensorsFile(path: url.path)
    return Dictionary(
        uniqueKeysWithValues: try file.names.filter { $0.hasPrefix(prefix) }.map { name in
            (name, try file.tensor(name).withContiguousBytes { [UInt8]($0) })
        })
}

/// A folder that goes with the last reference to it.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("tessera-training-\(UUID().uuidString)", isDirectory: true)

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }
    func path(_ name: String) -> String { file(name).path }
}
