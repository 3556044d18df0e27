public import Checkpoints
import Configuration
import NN

/// Loads the tokenizer of a checkpoint that anybody wrote: DALL-E's encoder, VQ-KD.
///
/// As `CheckpointLoader` does it for encoders: told by the names and shapes of the tensors, nothing in
/// a file executed, every tensor accounted for.
public struct TokenizerLoader {
    /// What a user can say of a file; the size of the pictures is the file's.
    public let options: CheckpointLoader.Options

    /// A tokenizer with the weights of a checkpoint, in evaluation mode.
    public struct Loaded {
        public let model: any VisualTokenizer
        public let family: CheckpointFamily
        public let report: CoverageReport
    }

    public init(_ options: CheckpointLoader.Options = CheckpointLoader.Options()) {
        self.options = options
    }

    /// The tokenizer of a checkpoint.
    ///
    /// - Parameter path: of a file, an index of shards, or a folder that holds either.
    /// - Returns: the tokenizer, its family, and what became of every tensor.
    /// - Throws: `TensorFileError` for a file that cannot be read; `CheckpointError` for one without a
    ///   known tokenizer or with half of one.
    public func load(_ path: String) throws -> Loaded {
        let whole = try WholeModel(path, options, encoderPlaces: ["vqkd": "encoder."])
        let model: any VisualTokenizer
        do {
            model = try make(whole, path)
        } catch let error as ConfigurationError {
            throw CheckpointError(.incomplete, "\(path), \(whole.family.name): \(error)")
        }
        return Loaded(model: model, family: whole.family, report: try whole.fill(model))
    }

    private func make(_ whole: WholeModel, _ path: String) throws -> any VisualTokenizer {
        switch whole.family.name {
        case "dalle":
            let config = try DALLEConfig(inferredFrom: whole.shapes)
            // Both have the same names; the encoder alone looks at more than one pixel at once.
            guard whole.shapes["blocks.input.w"]?.last != 1 else {
                throw CheckpointError(
                    .noModel,
                    "\(path) holds DALL-E's decoder, which makes pictures of visual tokens: "
                        + "`DALLEDecoder` takes it")
            }
            return try DALLEEncoder(config, generator: nil)
        case "vqkd":
            return try VQKD(
                VQKD.Config(inferredFrom: VQKD.own(whole.shapes), heads: options.heads),
                generator: nil)
        default:
            throw CheckpointError(
                .noModel,
                "\(path) holds an encoder of the family \(whole.family.name), which gives features, "
                    + "not visual tokens: `CheckpointLoader` loads it")
        }
    }
}
