import NN
import Torch
import VisionModels

extension VisionTransformerGraph {
    mutating func block(_ x: String, _ name: String) throws -> String {
        let normed = try norm(x, "\(name).norm1")
        let mixed = try scaled(attention(normed, "\(name).attn"), "\(name).gamma_1")
        let sum = graph.add("Add", [x, mixed], name: "\(name).attn.sum")
        let second = try norm(sum, "\(name).norm2")
        let changed = try scaled(feedForward(second, "\(name).mlp"), "\(name).gamma_2")
        return graph.add("Add", [sum, changed], name: name)
    }

    private mutating func attention(_ x: String, _ name: String) throws -> String {
        let (heads, width) = (config.heads, config.width)
        var bias = weights["\(name).qkv.bias"]
        if let q = weights["\(name).q_bias"], let v = weights["\(name).v_bias"] {
            bias = concatenated([q, .zeros(like: q), v], 0)
        }
        let all = graph.linear(
            x, weight: try weight("\(name).qkv.weight"), bias: bias, name: "\(name).qkv")
        let split = graph.reshape(all, [0, 0, 3, heads, width / heads], name: "\(name).heads")
        let ordered = graph.transpose(split, [2, 0, 3, 1, 4], name: "\(name).ordered")
        let parts = graph.add(
            "Split", [ordered], name: "\(name).parts", outputs: 3,
            ["axis": .integer(0), "num_outputs": .integer(3)])
        let first = graph.constant([0], "\(name).first")
        var (q, k, v) = (parts[0], parts[1], parts[2])
        for (index, part) in parts.enumerated() {
            let squeezed = graph.add("Squeeze", [part, first], name: "\(name).part")
            switch index {
            case 0: q = squeezed
            case 1: k = squeezed
            default: v = squeezed
            }
        }
        if config.queryKeyNorm {
            q = try norm(q, "\(name).q_norm")
            k = try norm(k, "\(name).k_norm")
        }
        (q, k) = (turned(q, "\(name).q"), turned(k, "\(name).k"))
        q = graph.multiply(
            q, by: 1 / Double(width / heads).squareRoot(), name: "\(name).q_scaled")
        let keys = graph.transpose(k, [0, 1, 3, 2], name: "\(name).k_turned")
        var logits = graph.add("MatMul", [q, keys], name: "\(name).logits")
        if let bias = try attentionBias(name) {
            logits = graph.add("Add", [logits, bias], name: "\(name).logits.placed")
        }
        let shares = graph.add(
            "Softmax", [logits], name: "\(name).weights", along(-1))
        let mixed = graph.add("MatMul", [shares, v], name: "\(name).mixed")
        let joined = graph.transpose(mixed, [0, 2, 1, 3], name: "\(name).joined")
        var output = graph.reshape(joined, [0, 0, width], name: "\(name).output")
        if config.attentionNorm { output = try norm(output, "\(name).norm") }
        return try linear(output, "\(name).proj")
    }

    private mutating func feedForward(_ x: String, _ name: String) throws -> String {
        switch config.mlp {
        case .gelu:
            let hidden = try linear(x, "\(name).fc1")
            return try linear(graph.gelu(hidden, name: "\(name).act"), "\(name).fc2")
        case .quickGELU:
            let hidden = try linear(x, "\(name).fc1")
            return try linear(graph.quickGELU(hidden, name: "\(name).act"), "\(name).fc2")
        case .swiGLU:
            let both = try linear(x, "\(name).w12")
            let halves = graph.add(
                "Split", [both], name: "\(name).halves", outputs: 2,
                ["axis": .integer(-1), "num_outputs": .integer(2)])
            let gate = graph.silu(halves[0], name: "\(name).gate")
            var gated = graph.add("Mul", [gate, halves[1]], name: "\(name).gated")
            if config.mlpNorm { gated = try norm(gated, "\(name).norm") }
            return try linear(gated, "\(name).w3")
        }
    }
}
