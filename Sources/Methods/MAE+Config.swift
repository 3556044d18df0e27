public import Configuration
import VisionModels

extension MAE {
    /// Masking and decoder; the defaults are those of all published models.
    public struct Config: Configuration, Hashable {
        public var maskRatio = 0.75
        public var decoderWidth = 512
        public var decoderDepth = 8
        public var decoderHeads = 16
        public var normalizePixels = false

        public init() {}

        public static var documentation: [String: String] {
            [
                "maskRatio": "the part of the patches that is dropped",
                "decoderWidth": "the length of a token in the decoder",
                "decoderDepth": "blocks of the decoder",
                "decoderHeads": "attention heads of a decoder block",
                "normalizePixels": "predict each patch at zero mean and unit variance "
                    + "(norm_pix_loss)",
            ]
        }

        public func validate() throws {
            guard (0..<1).contains(maskRatio) else {
                throw ConfigurationError.invalid(
                    "maskRatio", found: maskRatio, expected: "a number from 0 up to, not with, 1")
            }
            guard decoderWidth > 0, decoderWidth % 4 == 0 else {
                throw ConfigurationError.invalid(
                    "decoderWidth", found: decoderWidth,
                    expected: "a positive number that 4 divides")
            }
            guard decoderHeads > 0, decoderWidth % decoderHeads == 0 else {
                throw ConfigurationError.invalid(
                    "decoderHeads", found: decoderHeads,
                    expected: "a divisor of decoderWidth, \(decoderWidth)")
            }
            guard decoderDepth > 0 else {
                throw ConfigurationError.invalid(
                    "decoderDepth", found: decoderDepth, expected: "a positive number")
            }
        }

        /// What only holds together with an encoder.
        func validate(for encoder: VisionTransformer.Config) throws {
            guard encoder.classToken, !encoder.meanPooling else {
                throw ConfigurationError.invalid(
                    "model.classToken", found: encoder.classToken,
                    expected: "true, and model.meanPooling false, for mae")
            }
            guard Int(Double(encoder.grid.count) * (1 - maskRatio)) > 0 else {
                throw ConfigurationError.invalid(
                    "method.maskRatio", found: maskRatio,
                    expected: "a ratio that keeps one of \(encoder.grid.count) patches")
            }
        }
    }
}
