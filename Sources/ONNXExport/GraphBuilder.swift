import Foundation
import Torch

/// Puts an ONNX graph together, node after node; every value is known by its name.
///
/// Weights are kept as tensors and written by `ONNXFile`, so that a large model is not in memory twice.
struct GraphBuilder {
    /// A weight or another constant, in fp32 or int64.
    struct Stored {
        let name: String
        let shape: [Int]
        let contents: Contents

        enum Contents {
            case real(Tensor)
            case integers([Int])
        }
    }

    private(set) var nodes: [ONNXNode] = []
    private(set) var constants: [Stored] = []
    private var names: Set<String> = []

    /// Adds an operator.
    ///
    /// - Parameters:
    ///   - op: its name in ONNX.
    ///   - inputs: names of values.
    ///   - name: what the node and its first output are called; a number is added where it is taken.
    ///   - outputs: how many outputs it has.
    ///   - attributes: what else the operator takes.
    /// - Returns: the names of the outputs.
    mutating func add(
        _ op: String, _ inputs: [String], name: String, outputs: Int,
        _ attributes: [String: ONNXValue] = [:]
    ) -> [String] {
        var node = ONNXNode()
        node.operator = op
        node.name = unused(name)
        node.inputs = inputs
        node.outputs = (0..<outputs).map { $0 == 0 ? node.name : unused("\(node.name).\($0)") }
        node.attributes = attributes.sorted { $0.key < $1.key }.map { $1.attribute($0) }
        nodes.append(node)
        return node.outputs
    }

    /// Adds an operator with one output, and returns its name.
    mutating func add(
        _ op: String, _ inputs: [String], name: String, _ attributes: [String: ONNXValue] = [:]
    ) -> String {
        _ = add(op, inputs, name: name, outputs: 1, attributes)
        return nodes[nodes.count - 1].name
    }

    /// Adds a constant of real numbers, and returns its name.
    mutating func constant(_ tensor: Tensor, _ name: String) -> String {
        let name = unused(name)
        constants.append(Stored(name: name, shape: tensor.shape, contents: .real(tensor)))
        return name
    }

    /// Adds a number, and returns its name.
    mutating func constant(_ value: Double, _ name: String) -> String {
        constant(Tensor.full([], value), name)
    }

    /// Adds a list of whole numbers, and returns its name.
    mutating func constant(_ values: [Int], _ name: String) -> String {
        let name = unused(name)
        constants.append(
            Stored(name: name, shape: [values.count], contents: .integers(values)))
        return name
    }

    /// Adds a whole number, not a list of one, and returns its name.
    mutating func constant(scalar value: Int, _ name: String) -> String {
        let name = unused(name)
        constants.append(Stored(name: name, shape: [], contents: .integers([value])))
        return name
    }

    private mutating func unused(_ name: String) -> String {
        var candidate = name
        var number = 1
        while !names.insert(candidate).inserted {
            number += 1
            candidate = "\(name)_\(number)"
        }
        return candidate
    }
}

/// The dimension that an operator works along.
func along(_ dimension: Int) -> [String: ONNXValue] { ["axis": .integer(dimension)] }

/// The value of an operator's attribute.
enum ONNXValue {
    case integer(Int)
    case integers([Int])
    case real(Double)
    case text(String)

    func attribute(_ name: String) -> ONNXAttribute {
        var attribute = ONNXAttribute()
        attribute.name = name
        switch self {
        case .integer(let value):
            attribute.kind = .integer
            attribute.integer = Int64(value)
        case .integers(let values):
            attribute.kind = .integers
            attribute.integers = values.map(Int64.init)
        case .real(let value):
            attribute.kind = .real
            attribute.real = Float(value)
        case .text(let value):
            attribute.kind = .text
            attribute.text = Data(value.utf8)
        }
        return attribute
    }
}
