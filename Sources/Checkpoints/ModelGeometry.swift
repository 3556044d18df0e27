import NN
import VisionModels

/// Which grids the tables of a model are made for, where they depend on the size of the picture.
enum ModelGeometry {
    /// The vision transformer that a model is, or holds under its own names, as a classifier does.
    static func transformer(in model: Module) -> VisionTransformer? {
        if let transformer = model as? VisionTransformer { return transformer }
        return model.children.lazy.compactMap(transformer).first
    }

    /// The grid of a model's position embeddings and the rows before those of the patches.
    static func positions(of model: Module) -> (grid: PatchGrid, extraTokens: Int)? {
        transformer(in: model).map { ($0.config.grid, $0.config.extraPositions) }
    }

    /// The window of a table of relative position biases, and its rows for the class token.
    static func biases(_ name: String, of model: Module) -> (window: PatchGrid, extraRows: Int)? {
        transformer(in: model).map { ($0.config.grid, $0.config.extraRelativeRows) }
    }
}
