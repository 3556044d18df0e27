import NN
import Torch
public import VisionModels

/// A kind of model with its shape.
public enum EncoderArchitecture: Sendable {
    case visionTransformer(VisionTransformer.Config)

    /// A model of this shape with initial weights.
    func make() throws -> Module {
        switch self {
        case .visionTransformer(let config):
            try VisionTransformer(config, generator: Generator(seed: 0))
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
        }
    }
}
