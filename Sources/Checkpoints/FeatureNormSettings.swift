import Configuration
import Foundation
import VisionModels

/// What `config.yaml` beside a checkpoint of featurenorm's program says of the encoder, as far as no
/// tensor tells it.
struct FeatureNormSettings {
    /// Of each block.
    let heads: Int?
    private let rotary: Bool?
    private let channels: Int?
    private let imageSize: Int?
    /// How many registers the program puts before a picture; the table may have more.
    private let registers: Int?
    private let outputNorm: String?
    private let mergeRate: Double?
    private let mergeMultiple: Int?

    /// Nil where the folder has no such file, or one of another program.
    ///
    /// - Throws: `ConfigurationError` where it is no YAML, or a value is none of its kind.
    init?(beside folder: URL) throws {
        let path = folder.appendingPathComponent("config.yaml").path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let recipe = try Recipe(contentsOf: path)
        let encoder = "conf.model.encoder."
        guard recipe.text(at: encoder + "input_size") != nil else { return nil }
        func read<Value: LosslessStringConvertible>(
            _ key: String, _ expected: String
        ) throws -> Value? {
            guard let text = recipe.text(at: key) else { return nil }
            guard let value = Value(text) else {
                throw ConfigurationError.invalid(
                    "\(path): \(key)", found: "'\(text.prefix(40))'", expected: expected)
            }
            return value
        }
        let number = "a whole number"
        heads = try read(
            encoder + "block_config.attention_config.num_attention_heads", number)
        rotary = try read(encoder + "use_rope2d", "true or false")
        channels = try read("conf.num_image_channels", number)
        imageSize = try read("conf.validation_image_size", number)
        registers = try read("conf.num_register_tokens", number)
        outputNorm = recipe.text(at: encoder + "norm_out_mode")
        mergeRate = try read(encoder + "tome_layerwise_merge_rate", "a number below 1")
        mergeMultiple = try read(encoder + "tome_merge_to_nearest_mult_of", number)
    }

    /// The number of heads that a file beside the checkpoint gives; nil where none does.
    static func heads(beside folder: URL) -> Int? {
        (try? FeatureNormSettings(beside: folder))?.heads
    }

    /// Sets what the tensors have left open.
    func apply(to config: inout FeatureNormEncoder.Config) {
        if let rotary { config.rotary = rotary }
        if let channels, config.patchSize > 0 { config.setChannels(channels) }
        if let imageSize { config.imageSize = min(max(imageSize, 1), 1 << 14) }
        if let registers { config.registers = registers }
        if outputNorm == "layernorm", config.outputNorm == .none { config.outputNorm = .layerNorm }
        config.mergeRate = mergeRate
        config.mergeMultiple = mergeRate == nil ? nil : mergeMultiple
    }
}

extension FeatureNormEncoder.Config {
    /// Takes the pixels of a patch for those of so many channels, where they can be.
    fileprivate mutating func setChannels(_ count: Int) {
        guard count > 0, patchLength % count == 0,
            let square = PatchGrid(squareOf: patchLength / count)
        else { return }
        (patchSize, channels) = (square.rows, count)
    }
}
