import NN
import Torch
import VisionModels

/// Positions that attention sees: biases of pairs of tokens, and rotations.
extension VisionTransformerGraph {
    /// The cosines and sines of the patches' angles, `[N, d/2]`.
    struct Turns {
        let cosines: String
        let sines: String
        /// The channels in the order in which those that turn together are d/2 apart; nil where they are.
        ///
        /// A product of queries and keys does not depend on their order.
        let order: String?
    }

    /// Makes what all blocks share, for the grid of `maps` `[B, D, rows, columns]`.
    mutating func placeAttention(on maps: String) throws {
        if let rotary = config.rotaryEmbedding { turns = rotation(rotary, on: maps) }
        guard config.relativePositions != .none else { return }
        let rows = RelativePairs(of: config.grid, classToken: config.classToken).rows
        pairs = graph.constant(rows.values(as: Int64.self).map { Int($0) }, "relative.rows")
        if config.relativePositions == .shared {
            sharedBias = bias(
                try weight("rel_pos_bias.relative_position_bias_table"), "relative.bias")
        }
    }

    /// What is added to the logits of a block, `[H, T, T]`; nil for nothing.
    mutating func attentionBias(_ name: String) throws -> String? {
        guard config.relativePositions == .perBlock else { return sharedBias }
        return bias(try weight("\(name).relative_position_bias_table"), "\(name).bias")
    }

    private mutating func bias(_ table: Tensor, _ name: String) -> String? {
        guard let pairs else { return nil }
        let count = config.grid.count + (config.classToken ? 1 : 0)
        let table = graph.constant(table, "\(name).table")
        let rows = graph.add("Gather", [table, pairs], name: "\(name).rows", along(0))
        let square = graph.reshape(rows, [count, count, config.heads], name: "\(name).square")
        return graph.transpose(square, [2, 0, 1], name: name)
    }

    // MARK: Rotary positions

    /// `RotaryEmbedding.rotation` for the grid at hand.
    private mutating func rotation(_ rotary: RotaryEmbedding, on maps: String) -> Turns {
        let width = config.width / config.heads
        let frequencies = graph.constant(
            Tensor(
                rotary.frequencies(headWidth: width).map { Float($0) }, shape: [1, width / 4]),
            "rotary.frequencies")
        func angles(_ dimension: Int, _ name: String) -> String {
            let places = coordinates(rotary, of: maps, dimension, name)
            return graph.add("Mul", [places, frequencies], name: "\(name).angles")
        }
        let rows = graph.reshape(
            angles(2, "rotary.rows"), [-1, 1, width / 4], name: "rotary.rows.all")
        let columns = graph.reshape(
            angles(3, "rotary.columns"), [1, -1, width / 4], name: "rotary.columns.all")
        let grid = graph.sizes(of: maps, 2..<4, name: "rotary.grid")
        let quarter = graph.constant([width / 4], "rotary.quarter")
        let shape = graph.add("Concat", [grid, quarter], name: "rotary.shape", along(0))
        let parts = [rows, columns].map {
            graph.add("Expand", [$0, shape], name: "rotary.part")
        }
        let joined = graph.add("Concat", parts, name: "rotary.joined", along(2))
        let all = graph.reshape(joined, [-1, width / 2], name: "rotary.all")
        let order = (0..<width / 2).map { 2 * $0 } + (0..<width / 2).map { 2 * $0 + 1 }
        return Turns(
            cosines: graph.add("Cos", [all], name: "rotary.cosines"),
            sines: graph.add("Sin", [all], name: "rotary.sines"),
            order: rotary.kind == .eva02 ? graph.constant(order, "rotary.order") : nil)
    }

    /// The places of rows or columns, as a column of real numbers.
    private mutating func coordinates(
        _ rotary: RotaryEmbedding, of maps: String, _ dimension: Int, _ name: String
    ) -> String {
        let numbers = self.numbers(of: maps, dimension, "\(name).numbers")
        let size = graph.real(
            graph.sizes(of: maps, dimension..<dimension + 1, name: "\(name).size"),
            name: "\(name).size.real")
        switch rotary.kind {
        case .dinoV3:
            // 2π (2 (i + ½) / n − 1) = (2π / n) (2 i + 1 − n)
            let twice = graph.multiply(numbers, by: 2, name: "\(name).twice")
            let odd = graph.add(
                "Add", [twice, graph.constant(1, "\(name).one")], name: "\(name).odd")
            let centred = graph.add("Sub", [odd, size], name: "\(name).centred")
            let circle = graph.multiply(centred, by: 2 * .pi, name: "\(name).circle")
            return graph.add("Div", [circle, size], name: "\(name).places")
        case .eva02:
            guard let reference = rotary.referenceGrid else { return numbers }
            let stretched = graph.multiply(
                numbers, by: Double(reference), name: "\(name).stretched")
            return graph.add("Div", [stretched, size], name: "\(name).places")
        }
    }

    /// Queries or keys `[B, H, T, d]`, those of patches turned.
    mutating func turned(_ x: String, _ name: String) -> String {
        guard let turns else { return x }
        let half = config.width / config.heads / 2
        let channels =
            turns.order.map {
                graph.add("Gather", [x, $0], name: "\(name).ordered", along(3))
            } ?? x
        let count = config.extraTokens
        let patches =
            count > 0
            ? graph.slice(channels, count..., axis: 2, name: "\(name).patches") : channels
        let a = graph.slice(patches, 0..<half, axis: 3, name: "\(name).first")
        let b = graph.slice(patches, half..., axis: 3, name: "\(name).second")
        func product(_ part: String, _ factor: String) -> String {
            graph.add("Mul", [part, factor], name: "\(name).product")
        }
        let first = graph.add(
            "Sub", [product(a, turns.cosines), product(b, turns.sines)], name: "\(name).turn")
        let second = graph.add(
            "Add", [product(b, turns.cosines), product(a, turns.sines)], name: "\(name).turn")
        let all = graph.add("Concat", [first, second], name: "\(name).turned", along(3))
        guard count > 0 else { return all }
        let extra = graph.slice(channels, 0..<count, axis: 2, name: "\(name).extra")
        return graph.add("Concat", [extra, all], name: "\(name).placed", along(2))
    }
}
