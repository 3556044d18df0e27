import Configuration
public import Foundation
import TensorFiles

/// What a `config.json` beside a checkpoint says of the model, as far as the tensors do not.
///
/// Hugging Face and timm write one: heads, ε of the norms, the activation, the grid of the positions. A
/// field that is not there is nil.
public struct ModelSettings: Sendable, Decodable {
    public var modelType: String?
    public var architectures: [String]?
    /// timm's name of the model.
    public var architecture: String?
    public var heads: Int?
    public var normEps: Double?
    public var activation: String?
    public var imageSize: Int?
    public var patchSize: Int?
    public var ropeTheta: Double?
    public var keyBias: Bool?
    public var useSwiGLU: Bool?
    public var useMeanPooling: Bool?
    public var registers: Int?
    /// timm's way from tokens to the feature, such as `avg`.
    public var globalPool: String?
    /// How pixels from 0 to 1 were normalised in training.
    public var mean: [Double]?
    public var std: [Double]?

    private enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case architectures
        case architecture
        case arguments = "model_args"
        case size = "img_size"
        case heads = "num_attention_heads"
        case numHeads = "num_heads"
        case normEps = "layer_norm_eps"
        case activation = "hidden_act"
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case ropeTheta = "rope_theta"
        case keyBias = "key_bias"
        case useSwiGLU = "use_swiglu_ffn"
        case useMeanPooling = "use_mean_pooling"
        case registers = "num_register_tokens"
        case vision = "vision_config"
        case pretrained = "pretrained_cfg"
        case inputSize = "input_size"
        case globalPool = "global_pool"
        case mean, std
    }

    /// Hugging Face's settings of the pictures, in `preprocessor_config.json`.
    private struct Pictures: Decodable {
        let mean: [Double]?
        let std: [Double]?

        private enum CodingKeys: String, CodingKey {
            case mean = "image_mean"
            case std = "image_std"
        }
    }

    /// Whether the activation is CLIP's x · σ(1.702 x); nil where nothing is said.
    var isQuickGELU: Bool? {
        if let activation { return activation == "quick_gelu" }
        return architecture.map { $0.contains("quickgelu") }
    }

    public init() {}

    public init(from decoder: any Decoder) throws {
        let top = try decoder.container(keyedBy: CodingKeys.self)
        func section(_ key: CodingKeys) -> KeyedDecodingContainer<CodingKeys>? {
            try? top.nestedContainer(keyedBy: CodingKeys.self, forKey: key)
        }
        // CLIP's file describes two towers; the pictures' is the one of interest. timm's holds what
        // the model was made with.
        let fields = section(.vision) ?? section(.arguments) ?? top
        func read<Value: Decodable>(_ key: CodingKeys) -> Value? {
            // A field of another type says nothing that is understood here.
            (try? fields.decodeIfPresent(Value.self, forKey: key)) ?? nil
        }
        modelType = try top.decodeIfPresent(String.self, forKey: .modelType)
        architectures = (try? top.decodeIfPresent([String].self, forKey: .architectures)) ?? nil
        architecture = (try? top.decodeIfPresent(String.self, forKey: .architecture)) ?? nil
        heads = read(.heads) ?? read(.numHeads)
        normEps = read(.normEps)
        activation = read(.activation)
        imageSize = read(.imageSize) ?? read(.size) ?? (read(.size) as [Int]?)?.first
        patchSize = read(.patchSize)
        ropeTheta = read(.ropeTheta)
        keyBias = read(.keyBias)
        useSwiGLU = read(.useSwiGLU)
        useMeanPooling = read(.useMeanPooling)
        registers = read(.registers)
        globalPool = (try? top.decodeIfPresent(String.self, forKey: .globalPool)) ?? nil
        guard let pretrained = section(.pretrained) else { return }
        mean = (try? pretrained.decodeIfPresent([Double].self, forKey: .mean)) ?? nil
        std = (try? pretrained.decodeIfPresent([Double].self, forKey: .std)) ?? nil
        let size = (try? pretrained.decodeIfPresent([Int].self, forKey: .inputSize)) ?? nil
        imageSize = imageSize ?? size?.last
    }

    /// The size of the pictures in pixels, of which windows and positions are made.
    var plausibleImageSize: Int? {
        get throws {
            guard let imageSize else { return nil }
            guard (1...16384).contains(imageSize) else {
                throw ConfigurationError.invalid(
                    "image_size", found: imageSize, expected: "1 to 16384 pixels",
                    advice: "config.json beside the checkpoint says so: correct it, or take it away"
                )
            }
            return imageSize
        }
    }

    /// How the pictures were normalised; nil where nothing that makes sense is said.
    var pixels: PixelStatistics? {
        guard let mean, let std, mean.count == std.count, !mean.isEmpty,
            (mean + std).allSatisfy(\.isFinite), std.allSatisfy({ $0 > 0 })
        else { return nil }
        return PixelStatistics(mean: mean, std: std)
    }

    /// The settings in `config.json` of `folder`, nil where it holds none; with those of
    /// `preprocessor_config.json` where there is one.
    ///
    /// - Throws: `TensorFileError` where a file is not JSON.
    public init?(beside folder: URL) throws {
        guard let settings: ModelSettings = try Self.read("config.json", folder) else { return nil }
        self = settings
        if let pictures: Pictures = try Self.read("preprocessor_config.json", folder) {
            (mean, std) = (pictures.mean ?? mean, pictures.std ?? std)
        }
    }

    private static func read<Value: Decodable>(_ name: String, _ folder: URL) throws -> Value? {
        let path = folder.appendingPathComponent(name).path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let data = try BoundedFile.contents(path, limit: 1 << 20)
        do {
            return try JSONDecoder().decode(Value.self, from: data)
        } catch {
            throw TensorFileError(
                .malformed, file: path, problem: "is no JSON with the settings of a model",
                remedy: "fetch it again, or take it away")
        }
    }
}
