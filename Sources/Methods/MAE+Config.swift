import Configuration
import Data
public import Training
public import VisionModels

extension MAE {
    /// Masking and decoder; the defaults are those of the published code, and of all published models but
    /// for `normalizePixels`, which is on there.
    public struct Config: MethodConfiguration, Hashable {
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
                    + "(norm_pix_loss, on in every published recipe): better features, and pictures "
                    + "that borrow their contrast",
            ]
        }

        public func validate() throws {
            guard maskRatio > 0, maskRatio < 1 else {
                throw ConfigurationError.invalid(
                    "maskRatio", found: maskRatio, expected: "a number between 0 and 1")
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
            try validate()
            try encoder.validate()
            guard encoder.finalNorm == .tokens else {
                throw ConfigurationError.invalid(
                    "model.finalNorm", found: encoder.finalNorm.rawValue,
                    expected: "tokens for mae",
                    advice: "its decoder needs every token after the final norm")
            }
            guard encoder.extraTokens == (encoder.classToken ? 1 : 0) else {
                throw ConfigurationError.invalid(
                    encoder.registers > 0 ? "model.registers" : "model.distillationToken",
                    found: encoder.registers > 0 ? "\(encoder.registers)" : "true",
                    expected: "no tokens before the patches but the class token for mae")
            }
            guard !encoder.attentionSeesPositions else {
                throw ConfigurationError.invalid(
                    encoder.rotary == nil ? "model.relativePositions" : "model.rotary",
                    found: encoder.rotary?.rawValue ?? encoder.relativePositions.rawValue,
                    expected: "positions in the tokens alone for mae",
                    advice: "its encoder sees some of the patches only")
            }
            guard encoder.stem == nil else {
                throw ConfigurationError.invalid(
                    "model.stem", found: "convolutions", expected: "null for mae",
                    advice: "they would show the encoder pixels of the patches that it has to guess"
                )
            }
            let count = encoder.grid.count
            guard (1..<count).contains(RandomMask.keptCount(of: count, ratio: maskRatio)) else {
                throw ConfigurationError.invalid(
                    "method.maskRatio", found: maskRatio,
                    expected: "a part that leaves some of the \(count) patches, not all")
            }
        }
    }
}
