import Configuration
public import Data
public import NN
public import Optimizers
public import Torch
public import Training
public import VisionModels

/// Xie et al., *SimMIM: a Simple Framework for Masked Image Modeling* (2022).
///
/// 1. hide random square units of several patches                    (section 3.2)
/// 2. the encoder sees all patches, a learned token in place of hidden ones
/// 3. one linear layer predicts the pixels of each cell                (section 3.3)
/// 4. L = mean over hidden pixels of |x̂ − x|                           (section 3.4)
///
/// Shapes: B images, N cells after the last block, D encoder width.
public final class SimMIM<Shape: SimMIMModel>: Module {
    public typealias Encoder = Shape.Encoder

    public static var name: String { Shape.simMIMName }

    public let encoder: Encoder
    let decoder: SimMIMDecoder
    let config: Config

    public init(_ config: Config, backbone: Encoder, generator: Generator) throws {
        try config.validate(for: backbone.config)
        self.config = config
        encoder = backbone
        encoder.initializeSimMIM(generator: generator)
        decoder = SimMIMDecoder(
            width: backbone.width, patchSize: backbone.config.cellSize,
            channels: backbone.channels, generator: generator)
    }

    public var backbone: Encoder { encoder }
}

// MARK: - The objective

extension SimMIM: PretrainingMethod {
    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        Losses(total: loss(batch.images, mask: mask(of: batch)))
    }

    /// The loss of images `[B, C, H, W]`; in `mask` `[B, rows, columns]` 1 or true is hidden.
    public func loss(_ images: Tensor, mask: Tensor) -> Tensor {
        MaskedPixelLoss.l1(predict(images, mask: mask).atLeastFloat32, images, mask: mask)
    }

    /// The pixels of every cell, hidden or not, `[B, C, H, W]`.
    func predict(_ images: Tensor, mask: Tensor) -> Tensor {
        let cells = encoder.cells(images, mask: mask.to(dtype: .bool))  // [B, N, D]
        let (_, _, height, width) = images.shape4
        let grid = encoder.grid(height: height, width: width)
        return decoder(
            cells.transposed(1, 2)
                .reshaped(images.shape[0], encoder.width, grid.rows, grid.columns))
    }

    /// What is hidden of a batch, `[B, rows, columns]`.
    private func mask(of batch: ImageBatch) -> Tensor {
        let (_, _, height, width) = batch.images.shape4
        let size = encoder.config.patchSize
        let grid = MaskGrid(rows: height / size, columns: width / size, patchSize: size)
        return Tensor(batch.masks(config.masks, on: grid)).sent(to: batch.images.device)
    }

    public var parameterGroups: [ParameterGroup] {
        ParameterGroup.byDecay(namedParameters) { [config] name, tensor in
            Shape.undecayed.contains(name) || ParameterGroup.isExemptFromDecay(name, tensor)
                || !config.decaysBiasTables && name.hasSuffix("relative_position_bias_table")
        }
    }

    public static var undecayed: Set<String> { Shape.undecayed }
    public static var trainedEncoder: String { "encoder." }
}

// MARK: - The whole picture

extension SimMIM: ReconstructingMethod {
    public func reconstruct(_ batch: ImageBatch) -> Reconstruction {
        noGrad {
            let mask = mask(of: batch)
            return Reconstruction(
                original: batch.images,
                predicted: predict(batch.images, mask: mask).atLeastFloat32,
                mask: MaskedPixelLoss.pixels(of: mask, in: batch.images))
        }
    }
}
