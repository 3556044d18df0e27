public import Torch

extension SwinTransformer {
    /// Tensors of a file for this model, whose windows or images may have another size.
    ///
    /// What follows from the model's own sizes is left out: the rows of pairs, the masks of shifted
    /// windows, and Swin v2's coordinates. Tables of relative positions are fitted to the windows of
    /// the model by `config.relativeResize`; those of another number of heads are left out too.
    /// `load(_:strict:)` then has nothing of these and keeps its own.
    ///
    /// - Parameter stored: by the names of a Swin without a prefix.
    /// - Returns: what `load` can take.
    /// - Throws: `PositionFitError` where a table is none of a square window's or the family does not
    ///   resize it.
    public func fitting(_ stored: [String: Tensor]) throws -> [String: Tensor] {
        let computed = ["relative_position_index", "relative_coords_table", "attn_mask"]
        var tensors = stored.filter { name, _ in
            !computed.contains { name.hasSuffix(".\($0)") }
        }
        for (stage, layer) in layers.enumerated() {
            for (index, block) in layer.blocks.enumerated() {
                let name = "layers.\(stage).blocks.\(index).attn.relative_position_bias_table"
                guard let table = tensors[name] else { continue }
                guard table.shape.last == block.attn.headCount else {
                    tensors[name] = nil
                    continue
                }
                tensors[name] = try config.relativeResize.fitting(
                    table, to: PatchGrid(rows: block.window, columns: block.window), extraRows: 0)
            }
        }
        guard config.absolutePositions, let positions = tensors["absolute_pos_embed"] else {
            return tensors
        }
        tensors["absolute_pos_embed"] = try config.positionResize.fitting(
            positions, to: config.grid, extraTokens: 0)
        return tensors
    }
}
