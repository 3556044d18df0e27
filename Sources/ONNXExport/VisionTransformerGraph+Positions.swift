import Torch
import VisionModels

/// Positions of patches for the grid at hand.
extension VisionTransformerGraph {
    /// `[1, N, D]` for the grid of `maps` `[B, D, rows, columns]`.
    mutating func patchPositions(of maps: String) throws -> String? {
        guard config.positions != .none else { return nil }
        let (grid, width) = (config.grid, config.width)
        if config.positionResize == .sinCos { return sinCosPositions(of: maps) }
        let stored = try weight("pos_embed")[0..., config.extraPositions...]
        guard takesAnySize else { return graph.constant(stored, "pos_embed") }
        let planes = graph.constant(
            stored.reshaped(1, grid.rows, grid.columns, width).permuted(0, 3, 1, 2), "pos_embed")
        let resized = resizedPositions(planes, of: maps)
        let flat = graph.reshape(resized, [1, width, -1], name: "pos_embed.flat")
        return graph.transpose(flat, [0, 2, 1], name: "pos_embed.patches")
    }

    /// Bicubic with a = -0.75, borders repeated, no smoothing: `PositionResize`.
    private mutating func resizedPositions(_ planes: String, of maps: String) -> String {
        let attributes: [String: ONNXValue] = [
            "mode": .text("cubic"), "cubic_coeff_a": .real(-0.75),
            "coordinate_transformation_mode": .text("half_pixel"),
        ]
        let wanted = graph.sizes(of: maps, 2..<4, name: "grid")
        guard config.positionResize == .bicubicOffset else {
            let own = graph.constant([1, config.width], "pos_embed.planes")
            let sizes = graph.add("Concat", [own, wanted], name: "pos_embed.sizes", along(0))
            return graph.add(
                "Resize", [planes, "", "", sizes], name: "pos_embed.resized", attributes)
        }
        // The factors are (target + 0.1) / source; but square images of the model's own grid keep
        // its positions, which is the factor 1.
        let source = graph.constant([config.grid.rows, config.grid.columns], "grid.own")
        let sides = graph.sizes(of: Self.input, 2..<4, name: "image.size")
        let height = graph.sizes(of: Self.input, 2..<3, name: "image.height")
        let isSquare = graph.add("Equal", [sides, height], name: "image.is_square")
        let isOwn = graph.add("Equal", [wanted, source], name: "grid.is_own")
        let both = graph.add("Concat", [isSquare, isOwn], name: "grid.facts", along(0))
        let facts = graph.add("Cast", [both], name: "grid.facts.int", ["to": .integer(7)])
        let all = graph.add("ReduceMin", [facts], name: "grid.is_kept", ["keepdims": .integer(0)])
        let kept = graph.add("Cast", [all], name: "grid.is_kept.real", ["to": .integer(1)])
        let one = graph.constant(1, "grid.one")
        let moves = graph.add("Sub", [one, kept], name: "grid.is_moved")
        let offset = graph.multiply(moves, by: 0.1, name: "grid.offset")
        let target = graph.add("Cast", [wanted], name: "grid.real", ["to": .integer(1)])
        let moved = graph.add("Add", [target, offset], name: "grid.moved")
        let sourceReal = graph.add("Cast", [source], name: "grid.own.real", ["to": .integer(1)])
        let factors = graph.add("Div", [moved, sourceReal], name: "grid.factors")
        let ones = graph.constant(Tensor.full([2], 1), "grid.ones")
        let scales = graph.add("Concat", [ones, factors], name: "pos_embed.scales", along(0))
        return graph.add("Resize", [planes, "", scales], name: "pos_embed.resized", attributes)
    }

    /// Fixed sines and cosines of the grid at hand: `SinCosEmbedding`.
    private mutating func sinCosPositions(of maps: String) -> String {
        let width = config.width
        let zero = graph.constant(scalar: 0, "grid.zero")
        let one = graph.constant(scalar: 1, "grid.step")
        // [1, D/4]
        let frequencies = graph.constant(
            Tensor(
                SinCosEmbedding.frequencies(width / 4).map { Float($0) }, shape: [1, width / 4]),
            "pos_embed.frequencies")
        func waves(_ dimension: Int, _ name: String) -> String {
            let size = graph.sizes(of: maps, dimension..<dimension + 1, name: "\(name).size")
            let count = graph.add("Squeeze", [size], name: "\(name).count")
            let range = graph.add("Range", [zero, count, one], name: "\(name).numbers")
            let real = graph.add("Cast", [range], name: "\(name).real", ["to": .integer(1)])
            let column = graph.reshape(real, [-1, 1], name: "\(name).column")
            let angles = graph.add("Mul", [column, frequencies], name: "\(name).angles")
            let sine = graph.add("Sin", [angles], name: "\(name).sin")
            let cosine = graph.add("Cos", [angles], name: "\(name).cos")
            return graph.add(
                "Concat", [sine, cosine], name: "\(name).waves", along(1))
        }
        let rows = graph.reshape(waves(2, "rows"), [-1, 1, width / 2], name: "rows.waves.all")
        let columns = graph.reshape(
            waves(3, "columns"), [1, -1, width / 2], name: "columns.waves.all")
        let half = graph.constant([width / 2], "pos_embed.half")
        let grid = graph.sizes(of: maps, 2..<4, name: "grid")
        let shape = graph.add("Concat", [grid, half], name: "pos_embed.shape", along(0))
        let parts = [columns, rows].map {
            graph.add("Expand", [$0, shape], name: "pos_embed.part")
        }
        let all = graph.add(
            "Concat", parts, name: "pos_embed.grid", along(2))
        return graph.reshape(all, [1, -1, width], name: "pos_embed.patches")
    }
}
