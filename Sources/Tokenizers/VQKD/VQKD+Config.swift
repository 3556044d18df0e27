public import Configuration
import NN
public import VisionModels

extension VQKD {
    /// The shape of VQ-KD; the default is the published one with a decoder of three blocks.
    public struct Config: Configuration, Hashable {
        public var encoder = Self.transformer(.init())
        /// Its pictures are the quantised vectors, its patches their cells.
        public var decoder: VisionTransformer.Config = {
            var config = Self.transformer(.init())
            (config.imageSize, config.patchSize, config.channels) = (14, 1, 32)
            config.depth = 3
            return config
        }()
        /// K, the number of codes.
        public var codeCount = 8192
        /// C, the length of a code.
        public var codeWidth = 32
        /// T, the length of the teacher's features: 512 with CLIP, 768 with DINO.
        public var teacherWidth = 512
        /// How much of a code stays in a step of training.
        public var decay = 0.99
        /// The weight of the quantiser's loss.
        public var beta = 1.0
        public var pixels = VQKDPixels.symmetric

        public init() {}

        /// BEiT's form: learned positions, no bias of the keys, a final norm named `fc_norm`.
        static func transformer(
            _ config: VisionTransformer.Config
        ) -> VisionTransformer.Config {
            var config = config
            (config.positions, config.qkvBias) = (.learned, .queryAndValue)
            (config.pooling, config.finalNorm) = (.mean, .pooled)
            return config
        }

        public func validate() throws {
            try encoder.validate()
            try decoder.validate()
            try check(codeCount > 0, "codeCount", codeCount, expected: "a positive number")
            try check(
                decoder.channels == codeWidth, "decoder.channels", decoder.channels,
                expected: "codeWidth, \(codeWidth)")
            try check(
                decoder.grid == encoder.grid, "decoder.imageSize", decoder.imageSize,
                expected: "a grid of \(encoder.grid) patches, the encoder's")
            try check(teacherWidth > 0, "teacherWidth", teacherWidth, expected: "a positive number")
            try check((0...1).contains(decay), "decay", decay, expected: "0 to 1")
        }

        public static var documentation: [String: String] {
            [
                "encoder": "the transformer that reads pictures",
                "decoder": "the transformer that reads codes",
                "codeCount": "how many different tokens there are",
                "codeWidth": "the length of a code",
                "teacherWidth": "the length of the teacher's features",
                "decay": "how much of a code stays in a step of training",
                "beta": "the weight of the quantiser's loss",
                "pixels": "how pixels are taken: symmetric (-1 to 1), imageNet or none",
            ]
        }
    }
}

extension VQKD.Config {
    /// The form of the tokenizer that a set of tensors belongs to.
    ///
    /// - Parameters:
    ///   - shapes: by name, `encoder.…`, `decoder.…`, `quantize.…`.
    ///   - heads: of both transformers; nil for the published number for the width.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(inferredFrom shapes: [String: [Int]], heads: Int? = nil) throws {
        func transformer(_ prefix: String) throws -> VisionTransformer.Config {
            var own: [String: [Int]] = [:]
            for (name, shape) in shapes where name.hasPrefix(prefix) {
                own[String(name.dropFirst(prefix.count))] = shape
            }
            return try VisionTransformer.Config(inferredFrom: own, heads: heads) { config in
                config = Self.transformer(config)
            }
        }
        let tensors = TensorShapes(shapes, of: "VQ-KD")
        self.init()
        encoder = try transformer("encoder.")
        decoder = try transformer("decoder.")
        let codes = try tensors.shape("quantize.embedding.weight", rank: 2)
        (codeCount, codeWidth) = (codes[0], codes[1])
        teacherWidth = try tensors.shape("decode_task_layer.2.weight", rank: 2)[0]
        try validate()
    }
}
