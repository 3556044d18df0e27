public import NN
public import Torch

/// The decoder of DALL-E's discrete variational autoencoder: pictures of visual tokens.
///
/// Ramesh et al., *Zero-Shot Text-to-Image Generation* (2021), appendix A.2: the encoder's groups in
/// reverse, each but the last doubled. B pictures, K tokens.
public final class DALLEDecoder: Module {
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
        input = SameConvolution(
            config.codeCount, config.firstWidth, kernel: 1, generator: generator)
        let last = config.groups - 1
        groups = (0...last).map { index in
            DALLEGroup(
                from: index == 0 ? config.firstWidth : config.width << (last - index + 1),
                to: config.width << (last - index), kernels: [1, 3, 3, 3], config,
                generator: generator)
        }
        // A location and a scale for each channel of a pixel.
        output = SameConvolution(
            config.width, 2 * config.channels, kernel: 1, generator: generator)
    }

    /// The parameters of the distribution of each pixel: locations of the channels, then scales.
    ///
    /// - Parameter codes: tokens, int64 `[B, h, w]`.
    /// - Returns: `[B, 6, 8h, 8w]` with four groups and three channels.
    public func callAsFunction(_ codes: Tensor) -> Tensor {
        // The product with a one at each token: a column of the matrix.
        let columns = input.w.flattened(1).transposed().selectingRows(codes)  // [B, h, w, C]
        var x = (columns + input.b).permuted(0, 3, 1, 2)
        for (index, group) in groups.enumerated() {
            x = group(x)
            if index < groups.count - 1 { x = x.enlarged(2) }
        }
        return output(x.relu())
    }

    /// The picture at the middle of the distribution, pixels from 0 to 1.
    ///
    /// - Parameter codes: tokens, int64 `[B, h, w]`.
    /// - Returns: `[B, 3, 8h, 8w]`: (σ(location) − 0.1) / 0.8, cut to 0 … 1.
    public func picture(_ codes: Tensor) -> Tensor {
        Self.picture(ofStatistics: callAsFunction(codes), channels: config.channels)
    }

    /// `picture` of what the decoder itself returns.
    public static func picture(ofStatistics statistics: Tensor, channels: Int = 3) -> Tensor {
        ((statistics[0..., ..<channels].sigmoid() - 0.1) / 0.8).clamped(min: 0, max: 1)
    }
}
