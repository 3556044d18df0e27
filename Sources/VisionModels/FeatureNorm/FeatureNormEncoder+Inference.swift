import Configuration
import NN

extension FeatureNormEncoder.Config {
    /// The form of the encoder that a set of tensors belongs to.
    ///
    /// Its tensors tell all but the number of heads without norms of queries and keys, rotary positions
    /// (assumed), merging, the channels (three where they can be), and the size of the pictures.
    ///
    /// - Parameters:
    ///   - shapes: of the tensors, by name: `proj_in.weight`, `blocks.0.…`.
    ///   - heads: the number of heads; nil for what the norms of queries and keys tell, else one for
    ///     every 64 channels.
    ///   - adjust: sets what is known beside the shapes, before anything is validated.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(
        inferredFrom shapes: [String: [Int]], heads: Int? = nil,
        adjust: (inout FeatureNormEncoder.Config) -> Void = { _ in }
    ) throws {
        let tensors = TensorShapes(shapes, of: "featurenorm's encoder")
        self.init()
        let projection = try tensors.shape("proj_in.weight", rank: 2)
        width = projection[0]
        try inferPatch(projection[1])
        depth = tensors.count { "blocks.\($0).attention.proj_qkv.weight" }
        try inferBlock(tensors, heads: heads)
        registerRows =
            try tensors.has("reg_emb") ? tensors.shape("reg_emb", rank: 2)[0] : 0
        registers = registerRows
        absolutePositions = tensors.has("h_emb")
        if absolutePositions {
            maxRows = try tensors.shape("h_emb", rank: 2)[0]
            maxColumns = try tensors.shape("w_emb", rank: 2)[0]
        }
        // Nothing shows that positions are rotary; both kinds together are rare.
        rotary = !absolutePositions
        inferOutputNorm(tensors)
        adjust(&self)
        fitImageSize()
        try validate()
    }

    /// p and C of p·p·C.
    private mutating func inferPatch(_ length: Int) throws {
        for count in [3, 1, 4, 2] where length % count == 0 {
            guard let square = PatchGrid(squareOf: length / count) else { continue }
            (patchSize, channels) = (square.rows, count)
            return
        }
        throw ConfigurationError.invalid(
            "proj_in.weight", found: "\(length) pixels",
            expected: "those of a square patch of 1 to 4 channels")
    }

    /// The parts of block 0, which all blocks share.
    private mutating func inferBlock(_ tensors: TensorShapes, heads: Int?) throws {
        let start = "blocks.0."
        norm = tensors.has(start + "norm1.alpha") ? .dynamicTanh : .layerNorm
        let projection = try tensors.shape(start + "attention.proj_qkv.weight", rank: 2)
        let inner = projection[0] / 3
        var told: Int?
        if tensors.has(start + "attention.q_norm.alpha") {
            queryKeyNorm = .dynamicTanh
            told = try tensors.shape(start + "attention.q_norm.alpha", rank: 1)[0]
        } else if tensors.has(start + "attention.q_norm.weight") {
            queryKeyNorm = .layerNorm
            told = try tensors.shape(start + "attention.q_norm.weight", rank: 1)[0]
        } else {
            queryKeyNorm = nil
        }
        let count = heads ?? told.map { inner / $0 } ?? max(1, inner / 64)
        guard projection[1] == width else {
            throw ConfigurationError.invalid(
                start + "attention.proj_qkv.weight", found: "\(projection)",
                expected: "\(width) columns, the width that proj_in.weight tells")
        }
        guard count > 0, inner % count == 0, projection[0] % 3 == 0,
            told == nil || inner / count == told
        else {
            throw ConfigurationError.invalid(
                start + "attention.proj_qkv.weight", found: "\(projection[0]) rows",
                expected: "three parts of whole heads"
                    + (told.map { " of \($0) channels" } ?? ", of which \(count) are assumed"))
        }
        (self.heads, headWidth) = (count, inner / count)
        let isMixture = tensors.has(start + "mlp.fc1s")
        let name = start + (isMixture ? "mlp.fc1s" : "mlp.fc1.weight")
        let hidden = try tensors.shape(name, rank: isMixture ? 3 : 2)
        guard hidden.suffix(2) == [4 * width, width] else {
            throw ConfigurationError.invalid(
                name, found: "\(hidden)", expected: "\(4 * width) rows of \(width)")
        }
        experts = isMixture ? hidden[0] : nil
    }

    private mutating func inferOutputNorm(_ tensors: TensorShapes) {
        if tensors.has("norm_out.running_mean") {
            outputNorm = .runningBatchNorm
        } else if tensors.has("norm_out.alpha") {
            outputNorm = .dynamicTanh
        } else {
            // A layer norm without parameters leaves no trace: settings alone tell it.
            outputNorm = tensors.has("norm_out.weight") ? .layerNorm : .none
        }
        outputAffine = tensors.has("norm_out.gamma") || tensors.has("norm_out.weight")
    }

    /// Whole patches, and no more than there are positions for.
    private mutating func fitImageSize() {
        guard patchSize > 0 else { return }
        var side = max(imageSize / patchSize, 1)
        if absolutePositions { side = min(side, maxRows, maxColumns) }
        imageSize = side * patchSize
    }
}
