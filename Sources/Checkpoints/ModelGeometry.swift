import NN
import VisionModels

/// Which grids the tables of a model are made for, where they depend on the size of the picture.
enum ModelGeometry {
    /// The encoder of a kind that a model is, or holds under its own names, as a classifier does.
    static func encoder<Encoder: Module>(_: Encoder.Type, in model: Module) -> Encoder? {
        if let encoder = model as? Encoder { return encoder }
        return model.children.lazy.compactMap { encoder(Encoder.self, in: $0) }.first
    }

    /// The grid of the position embeddings of a name, and the rows before those of the cells; nil for
    /// other tensors.
    static func positions(
        _ name: String, of model: Module
    ) -> (grid: PatchGrid, extraRows: Int)? {
        switch name {
        case "pos_embed":
            encoder(VisionTransformer.self, in: model).map {
                ($0.config.grid, $0.config.extraPositions)
            }
        case "absolute_pos_embed":
            encoder(SwinTransformer.self, in: model).map { ($0.config.grid, 0) }
        case "attnpool.positional_embedding":
            // The first row is that of the cells' mean.
            encoder(ModifiedResNet.self, in: model).map { ($0.config.lastGrid, 1) }
        default: nil
        }
    }

    /// The window of a table of relative position biases, and its rows for the class token; nil for
    /// other tensors.
    static func biases(_ name: String, of model: Module) -> (window: PatchGrid, extraRows: Int)? {
        guard name.hasSuffix("relative_position_bias_table") else { return nil }
        if let swin = encoder(SwinTransformer.self, in: model) {
            // layers.1.blocks.0.attn.relative_position_bias_table
            let numbers = name.split(separator: ".").compactMap { Int($0) }
            guard numbers.count == 2, swin.layers.indices.contains(numbers[0]),
                swin.layers[numbers[0]].blocks.indices.contains(numbers[1])
            else { return nil }
            let side = swin.layers[numbers[0]].blocks[numbers[1]].window
            return (PatchGrid(rows: side, columns: side), 0)
        }
        return encoder(VisionTransformer.self, in: model).map {
            ($0.config.grid, $0.config.extraRelativeRows)
        }
    }
}
