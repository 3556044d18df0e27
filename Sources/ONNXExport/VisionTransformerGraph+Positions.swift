import Torch
import VisionModels

/// Positions of patches for the grid at hand.
extension VisionTransformerGraph {
    /// `[1, N, D]` for the grid of `maps` `[B, D, rows, columns]`.
    mutating func patchPositions(of maps: String) throws -> String? {
        guard config.positions != .none else { return nil }
        if config.positionResize == .sinCos { return sinCosPositions(of: maps) }
        let stored = try weight("pos_embed")[0..., config.extraPositions...]
        guard takesAnySize else { return graph.constant(stored, "pos_embed") }
        return resizedPositions(stored, of: maps)
    }

    /// Bicubic along each axis, a matrix of weights for each: `PositionResize`.
    ///
    /// ONNX has an operator for it, but not all programs that run it apply a factor to a grid that
    /// keeps its size, as `bicubicOffset` does.
    private mutating func resizedPositions(_ stored: Tensor, of maps: String) -> String {
        let (grid, width) = (config.grid, config.width)
        let offset = config.positionResize == .bicubicOffset ? offset(of: maps) : nil
        let rows = cubicWeights(of: maps, 2, from: grid.rows, offset, "rows")
        let columns = cubicWeights(of: maps, 3, from: grid.columns, offset, "columns")
        let flat = graph.constant(
            stored.reshaped(grid.rows, grid.columns * width), "pos_embed")
        let tall = graph.add("MatMul", [rows, flat], name: "pos_embed.rows")
        let split = graph.reshape(tall, [-1, grid.columns, width], name: "pos_embed.split")
        let all = graph.add("MatMul", [columns, split], name: "pos_embed.grid")
        return graph.reshape(all, [1, -1, width], name: "pos_embed.patches")
    }

    /// What DINO adds to the target's rows and columns: 0.1; but square images of the model's own
    /// grid keep its positions, which is 0.
    private mutating func offset(of maps: String) -> String {
        let own = graph.constant([config.grid.rows, config.grid.columns], "grid.own")
        let wanted = graph.sizes(of: maps, 2..<4, name: "grid")
        let sides = graph.sizes(of: Self.input, 2..<4, name: "image.size")
        let height = graph.sizes(of: Self.input, 2..<3, name: "image.height")
        let isSquare = graph.add("Equal", [sides, height], name: "image.is_square")
        let isOwn = graph.add("Equal", [wanted, own], name: "grid.is_own")
        let both = graph.add("Concat", [isSquare, isOwn], name: "grid.facts", along(0))
        let facts = graph.real(both, name: "grid.facts.real")
        let isKept = graph.add(
            "ReduceMin", [facts], name: "grid.is_kept", ["keepdims": .integer(0)])
        let one = graph.constant(1, "grid.one")
        let isMoved = graph.add("Sub", [one, isKept], name: "grid.is_moved")
        return graph.multiply(isMoved, by: 0.1, name: "grid.offset")
    }

    /// The matrix `[N, n]` that takes n values along an axis to the N of `maps` along `dimension`.
    ///
    /// Value i lies at x = (i + ½) · n / (N + offset) − ½. The cubic has a = −0.75 and reaches two
    /// values far; those beyond the border are that at the border.
    private mutating func cubicWeights(
        of maps: String, _ dimension: Int, from count: Int, _ offset: String?, _ name: String
    ) -> String {
        var size = graph.real(
            graph.sizes(of: maps, dimension..<dimension + 1, name: "\(name).size"),
            name: "\(name).size.real")
        if let offset { size = graph.add("Add", [size, offset], name: "\(name).size.moved") }
        let source = graph.constant(Double(count), "\(name).source")
        let step = graph.add("Div", [source, size], name: "\(name).step")
        let half = graph.constant(0.5, "\(name).half")
        let numbers = self.numbers(of: maps, dimension, "\(name).numbers")
        let centres = graph.add("Add", [numbers, half], name: "\(name).centres")
        let scaled = graph.add("Mul", [centres, step], name: "\(name).scaled")
        let places = graph.add("Sub", [scaled, half], name: "\(name).places")  // [N, 1]

        let reached = Array(-2..<count + 2)
        let taps = graph.constant(
            Tensor(reached.map(Float.init), shape: [1, reached.count]), "\(name).taps")
        let offsets = graph.add("Sub", [places, taps], name: "\(name).offsets")
        let distance = graph.add("Abs", [offsets], name: "\(name).distance")
        let (one, two) = (graph.constant(1, "\(name).one"), graph.constant(2, "\(name).two"))
        let near = graph.polynomial(distance, [1.25, -2.25, 0, 1], name: "\(name).near")
        let far = graph.polynomial(distance, [-0.75, 3.75, -6, 3], name: "\(name).far")
        let isNear = graph.add("Less", [distance, one], name: "\(name).is_near")
        let isFar = graph.add("Less", [distance, two], name: "\(name).is_far")
        let zero = graph.constant(0, "\(name).zero")
        let outer = graph.add("Where", [isFar, far, zero], name: "\(name).outer")
        let weights = graph.add("Where", [isNear, near, outer], name: "\(name).tap_weights")
        // Which value each tap is, those beyond the border included.
        let owners = reached.flatMap { tap in
            (0..<count).map { Float($0 == min(max(tap, 0), count - 1) ? 1 : 0) }
        }
        let clamp = graph.constant(
            Tensor(owners, shape: [reached.count, count]), "\(name).owners")
        return graph.add("MatMul", [weights, clamp], name: "\(name).weights")
    }

    /// 0, 1, … below the size of a dimension, as a column of real numbers.
    mutating func numbers(of maps: String, _ dimension: Int, _ name: String) -> String {
        let zero = graph.constant(scalar: 0, "\(name).zero")
        let one = graph.constant(scalar: 1, "\(name).one")
        let size = graph.sizes(of: maps, dimension..<dimension + 1, name: "\(name).size")
        let count = graph.add("Squeeze", [size], name: "\(name).count")
        let range = graph.add("Range", [zero, count, one], name: "\(name).range")
        return graph.reshape(graph.real(range, name: "\(name).real"), [-1, 1], name: name)
    }

    /// Fixed sines and cosines of the grid at hand: `SinCosEmbedding`.
    private mutating func sinCosPositions(of maps: String) -> String {
        let width = config.width
        // [1, D/4]
        let frequencies = graph.constant(
            Tensor(
                SinCosEmbedding.frequencies(width / 4).map { Float($0) }, shape: [1, width / 4]),
            "pos_embed.frequencies")
        func waves(_ dimension: Int, _ name: String) -> String {
            let column = numbers(of: maps, dimension, "\(name).numbers")
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
