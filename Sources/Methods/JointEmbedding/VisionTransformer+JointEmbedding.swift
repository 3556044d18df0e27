import Data
import NN
import Torch
import VisionModels

/// What I-JEPA and StoP ask of an encoder.
extension VisionTransformer {
    /// The patches of images of the size that the model is made for.
    var maskGrid: MaskGrid { MaskGrid(config.grid, patchSize: config.patchSize) }

    /// The patches of images `[B, C, H, W]`.
    func maskGrid(of images: Tensor) -> MaskGrid {
        MaskGrid(grid(of: images), patchSize: config.patchSize)
    }

    /// N(0, 0.02²), cut at ±2, for every matrix, zero for every bias of a linear layer and of the patch
    /// embedding.
    func initializeJointEmbedding(generator: Generator) {
        initializeTruncatedNormal(generator: generator)
        patchEmbed.initializeTruncatedNormal(std: 0.02, generator: generator)
    }

    /// A model with the same weights, which are not trained, and without drop path.
    func frozenCopy() throws -> VisionTransformer {
        var config = config
        config.dropPath = 0
        let copy = try Init.leavingOut { try VisionTransformer(config, generator: nil) }
        let weights = stateDict.map { ($0.name, $0.tensor.detached()) }
        try copy.load(Dictionary(weights) { first, _ in first })
        copy.freeze()
        return copy
    }

    /// The tokens of each context's patches, the only ones that are embedded: `[B, C, H, W]` to
    /// `[E·B, K, D]`.
    ///
    /// Contexts of several lengths are packed; what fills them up is any token.
    func encode(_ images: Tensor, contexts: [PatchSelection]) -> Tensor {
        let patches = patchEmbed.patches(of: images)
        let tokens = concatenated(
            contexts.map { patchTokens(patches, of: images, keeping: $0.patches) }, 0)
        guard let lengths = PatchSelection.lengths(of: contexts) else { return encode(tokens) }
        let rows = TokenRows(tokens, holding: lengths.map { [0..<$0] })
        return encode(rows, at: rows.presence)[0]
    }
}

extension MaskGrid {
    init(_ grid: PatchGrid, patchSize: Int) {
        self.init(rows: grid.rows, columns: grid.columns, patchSize: patchSize)
    }
}

extension Tensor {
    /// Every token at zero mean and unit variance, at least in fp32: `[B, N, D]`.
    ///
    /// ε is 1e-5, whatever the encoder's.
    var normalizedTokens: Tensor { atLeastFloat32.layerNorm(nil, nil, eps: 1e-5) }

    /// The same in fp32 where it is in a lower precision.
    var atLeastFloat32: Tensor {
        dtype == .bfloat16 || dtype == .float16 ? to(dtype: .float32) : self
    }

    /// How targets `[B, N, D]` differ from image to image, by the names of the log; nothing of a single
    /// image.
    ///
    /// - `target_std`: the standard deviation of a feature at one place, the mean of all places and
    ///   features: 1 for normalised tokens that say nothing of their place, 0 where all images are alike
    /// - `uninformed_loss`: the loss of who predicts the mean of the other images at each place, and so
    ///   knows places but has seen nothing of the image
    var spread: [(name: String, value: Tensor)] {
        guard shape[0] > 1 else { return [] }
        return noGrad {
            // What an image differs by from the mean of all B is (B − 1) / B of that.
            let scale = Double(shape[0]) / Double(shape[0] - 1)
            let differences = (self - mean(0, keepDim: true)) * scale
            return [
                ("target_std", variance(0).sqrt().mean()),
                ("uninformed_loss", differences.smoothL1(Tensor.zeros(like: differences))),
            ]
        }
    }
}
