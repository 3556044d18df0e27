import NN
import Torch
public import VisionModels

/// A kind of model with its shape.
public enum EncoderArchitecture: Sendable {
    case visionTransformer(VisionTransformer.Config)
    case swinTransformer(SwinTransformer.Config)
    /// CLIP's residual network.
    case modifiedResNet(ModifiedResNet.Config)
    /// featurenorm's I-JEPA.
    case featureNorm(FeatureNormEncoder.Config)

    /// A model of this shape with initial weights.
    func make() throws -> any VisionEncoder {
        let generator = Generator(seed: 0)
        return switch self {
        case .visionTransformer(let config):
            try VisionTransformer(config, generator: generator)
        case .swinTransformer(let config): try SwinTransformer(config, generator: generator)
        case .modifiedResNet(let config): try ModifiedResNet(config, generator: generator)
        case .featureNorm(let config): try FeatureNormEncoder(config, generator: generator)
        }
    }
}

extension EncoderArchitecture {
    /// The same for square pictures of another size in pixels.
    func resized(to imageSize: Int) -> EncoderArchitecture {
        switch self {
        case .visionTransformer(var config):
            config.imageSize = imageSize
            return .visionTransformer(config)
        case .swinTransformer(var config):
            config.imageSize = imageSize
            return .swinTransformer(config)
        case .modifiedResNet(var config):
            config.imageSize = imageSize
            return .modifiedResNet(config)
        case .featureNorm(var config):
            config.imageSize = imageSize
            return .featureNorm(config)
        }
    }
}
