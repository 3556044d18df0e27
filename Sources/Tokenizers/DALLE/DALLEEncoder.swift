public import NN
public import Torch

/// The encoder of DALL-E's discrete variational autoencoder, the tokenizer of BEiT and CAE.
///
/// Ramesh et al., *Zero-Shot Text-to-Image Generation* (2021), appendix A.2:
///
/// 1. a convolution of 7 × 7 to h channels
/// 2. groups of residual blocks with h, 2h, 4h and 8h channels, halved by maxima between them
/// 3. a 1 × 1 convolution to K logits; the token is the largest
///
/// B pictures, K tokens. A picture of 112 × 112 pixels has 14 × 14 tokens.
public final class DALLEEncoder: Module {
    let input: SameConvolution
    let groups: [DALLEGroup]
    let output: SameConvolution
    public let config: DALLEConfig

    public override class var stateNames: [String: String] {
        ["input": "blocks.input", "groups": "blocks.group_*", "output": "blocks.output.conv"]
    }

    public init(_ config: DALLEConfig, generator: Generator?) throws {
        try config.validate()
        self.config = config
        input = SameConvolution(config.channels, config.width, kernel: 7, generator: generator)
        groups = (0..<config.groups).map { index in
            DALLEGroup(
                from: config.width << max(index - 1, 0), to: config.width << index,
                kernels: [3, 3, 3, 1], config, generator: generator)
        }
        output = SameConvolution(
            config.width << (config.groups - 1), config.codeCount, kernel: 1,
            generator: generator)
    }

    /// Pixels from 0 to 1 as the encoder takes them: 0.8 x + 0.1.
    ///
    /// The model's distribution of pixels has no mass at the ends of its range: appendix A.3.
    public static func mapped(_ pixels: Tensor) -> Tensor { pixels * 0.8 + 0.1 }

    /// The logits of each place, `[B, 3, H, W] -> [B, K, H/8, W/8]` with four groups; the pixels are
    /// mapped.
    public func callAsFunction(_ mapped: Tensor) -> Tensor {
        var x = input(mapped)
        for (index, group) in groups.enumerated() {
            x = group(x)
            if index < groups.count - 1 { x = x.maxPooled(2) }
        }
        return output(x.relu())
    }
}

extension DALLEEncoder: VisualTokenizer {
    public var codeCount: Int { config.codeCount }

    public func codes(_ pictures: Tensor) -> Tensor {
        callAsFunction(Self.mapped(pictures)).argmax(1).flattened(1)
    }
}
