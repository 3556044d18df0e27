import Foundation
import NN
import TensorFiles
import Torch
public import VisionModels

/// Writes an encoder in the form of another program, and reads it back as a check.
///
/// 1. choose the family that the target has for such a model: `ExportTarget.family`
/// 2. give the positions the rows that its models have: `PositionRows`
/// 3. give the tensors its names and forms: the inverse of its `NameMap`
/// 4. write the file, and the settings beside it, under a name of its own
/// 5. load what was written as any foreign checkpoint, and compare the tokens of a random picture;
///    what a bare file does not hold, such as the number of heads, is taken from the encoder
/// 6. move it to its place
public struct CheckpointExporter {
    public let target: ExportTarget

    public init(_ target: ExportTarget) {
        self.target = target
    }

    /// What was written.
    public struct Written: Sendable {
        public let files: [String]
        /// The family whose form it has.
        public let family: String
        /// The largest difference between a token of the encoder and one of what was written, on a
        /// picture of noise, relative to the largest number among the tokens.
        public let difference: Double
        /// What the program has to be told, as the files do not hold it.
        public let untold: [String]
    }

    /// Differences beyond this, relative to the largest number, are an error.
    private static let tolerance = 1e-5

    /// Writes `model`.
    ///
    /// - Parameters:
    ///   - model: an encoder, on the CPU, in evaluation mode.
    ///   - path: of a file, or of a folder for `huggingface`; what is there is replaced.
    /// - Returns: the files and what the check found.
    /// - Throws: `CheckpointError` where the target has no such model or the check fails,
    ///   `TensorFileError` where a file cannot be written.
    public func write(_ model: VisionTransformer, to path: String) throws -> Written {
        let family = try target.family(of: model.config)
        let own = PositionRows(
            for: target.positioned(model.config), model.config,
            model.stateDict.map { ($0.name, $0.tensor.detached()) })
        var found = 0.0
        let files = try CheckedWrite.write(to: path) { draft in
            let files = try write(own, family, draft)
            found = try difference(model, own.config, draft)
            guard !found.isNaN else {
                throw CheckpointError(
                    .incomplete,
                    "nothing was written to \(path): the encoder gives numbers that are not finite; its "
                        + "weights are broken")
            }
            guard found <= Self.tolerance else {
                throw CheckpointError(
                    .incomplete,
                    "nothing was written to \(path): read back, it would give other tokens, which "
                        + "differ by \(found) of the largest number, expected at most "
                        + "\(Self.tolerance)")
            }
            return files
        }
        return Written(
            files: files, family: family.name, difference: found,
            untold: target.untold(model.config))
    }

    private func write(
        _ model: PositionRows, _ family: CheckpointFamily, _ path: String
    ) throws -> [String] {
        // Only pre-training has what replaces masked patches.
        let keepsMask = target == .safetensors || target == .ibot
        let own = model.tensors.filter { keepsMask || $0.name != "masked_embed" }
        switch target {
        case .safetensors:
            try SafeTensorsWriter.write(own, to: path)
        case .timm:
            try SafeTensorsWriter.write(
                family.names.inverse(own), to: path, metadata: ["format": "pt"])
        case .mae:
            try PyTorchWriter.write(.dictionary([("model", .tensors(own))]), to: path)
        case .ibot:
            try PyTorchWriter.write(.dictionary([("state_dict", .tensors(own))]), to: path)
        case .vissl:
            let trunk = PyTorchWriter.Value.dictionary([
                ("trunk", .tensors(own)), ("heads", .dictionary([])),
            ])
            let base = PyTorchWriter.Value.dictionary([("model", trunk)])
            try PyTorchWriter.write(
                .dictionary([("classy_state_dict", .dictionary([("base_model", base)]))]), to: path)
        case .ijepa, .stop:
            // I-JEPA's encoders are always wrapped for several devices.
            let start = target == .ijepa ? "module." : ""
            let named = own.map { (name: start + $0.name, tensor: $0.tensor) }
            try PyTorchWriter.write(
                .dictionary([("target_encoder", .tensors(named))]), to: path)
        case .huggingface: return try writeFolder(model.config, own, family, path)
        }
        return [path]
    }

    private func writeFolder(
        _ model: VisionTransformer.Config, _ own: [(name: String, tensor: Tensor)],
        _ family: CheckpointFamily, _ path: String
    ) throws -> [String] {
        let folder = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let settings = try HuggingFaceSettings(model, family)
        let tensors = own + settings.unused(model)
        let weights = folder.appendingPathComponent("model.safetensors").path
        try SafeTensorsWriter.write(
            family.names.inverse(tensors).map { (settings.prefix + $0.name, $0.tensor) },
            to: weights, metadata: ["format": "pt"])
        let config = folder.appendingPathComponent("config.json").path
        let file = try AtomicFile(path: config)
        try settings.json().withUnsafeBytes { try file.write($0) }
        try file.commit()
        return [weights, config]
    }

    private func difference(
        _ model: VisionTransformer, _ written: VisionTransformer.Config, _ path: String
    ) throws -> Double {
        let other = try readBack(written, path)
        let images = Tensor.normal(
            [1, written.channels, written.imageSize, written.imageSize],
            generator: Generator(seed: 0))
        return noGrad {
            func tokens(_ model: VisionTransformer) -> Tensor {
                model.final(model.lastBlocks(images, count: 1)[0]).to(dtype: .float64)
            }
            let (expected, found) = (tokens(model), tokens(other))
            guard expected.shape == found.shape else { return .infinity }
            return (expected - found).abs().max().item / max(expected.abs().max().item, 1)
        }
    }

    /// The encoder in what was written.
    private func readBack(
        _ written: VisionTransformer.Config, _ path: String
    ) throws -> VisionTransformer {
        if target == .huggingface { return try CheckpointLoader().load(path).visionTransformer() }
        var config = written
        if target != .safetensors, target != .ibot { config.masksPatches = false }
        let model = try Init.leavingOut { try VisionTransformer(config, generator: nil) }
        try CheckpointLoader().load(into: model, from: path)
        model.evaluate()
        return model
    }
}

extension PyTorchWriter.Value {
    /// Named tensors as a dictionary.
    fileprivate static func tensors(_ tensors: [(name: String, tensor: Tensor)]) -> Self {
        .dictionary(
            tensors.map { name, tensor in
                let whole = tensor.detached().to(.cpu).contiguous()
                return (
                    name,
                    .tensor(
                        PyTorchWriter.Tensor(whole.dtype.elementType, shape: whole.shape) { body in
                            try whole.withUnsafeBytes(body)
                        })
                )
            })
    }
}
