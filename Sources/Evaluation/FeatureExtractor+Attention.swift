import Configuration
import NN
import Torch
import VisionModels

extension AttentionFeature {
    /// Throws `ConfigurationError` for encoders whose tokens do not all look at one another, and for those
    /// without the class token that is asked for.
    func validate(for encoder: any VisionEncoder) throws {
        guard encoder is VisionTransformer else {
            throw ConfigurationError.invalid(
                "attention", found: rawValue, expected: "null: the encoder is no vision transformer"
            )
        }
        guard encoder.hasClassToken || !needsClassToken else {
            throw ConfigurationError.invalid(
                "attention", found: rawValue,
                expected: "one without a class token, such as ca2: the encoder has none")
        }
    }
}

extension FeatureExtractor {
    /// The feature `[B, D]` of images `[B, C, H, W]` by `config.attention`, fp32.
    func attentionFeature(_ attention: AttentionFeature, of images: Tensor) -> Tensor {
        guard let encoder = encoder as? VisionTransformer else {
            fatalError("attention features of no vision transformer")
        }
        let last = encoder.blockCount - 1 - config.leftOut
        var index = 0
        var feature: Tensor?
        encoder.trace(images) { trace in
            defer { index += 1 }
            guard index == last else { return }
            let tokens = config.finalNorm ? encoder.final(trace.output) : trace.output
            feature = attention(
                tokens, weights: trace.weights, on: encoder.grid(of: images),
                extraTokens: encoder.extraTokens)
        }
        guard let feature else { fatalError("the encoder has no block \(last + 1)") }
        return feature.to(dtype: .float32)
    }
}
