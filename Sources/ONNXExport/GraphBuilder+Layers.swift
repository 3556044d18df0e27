import Torch

/// Layers of networks as a few operators each.
extension GraphBuilder {
    /// x Wᵀ + b on the last dimension.
    mutating func linear(
        _ x: String, weight: Tensor, bias: Tensor?, name: String
    ) -> String {
        let matrix = constant(weight.transposed(0, 1), "\(name).weight")
        let product = add("MatMul", [x, matrix], name: "\(name).product")
        guard let bias else { return product }
        return add("Add", [product, constant(bias, "\(name).bias")], name: name)
    }

    /// (x − mean) / √(variance + ε) · γ + β over the last dimension.
    mutating func layerNorm(
        _ x: String, weight: Tensor, bias: Tensor, eps: Double, name: String
    ) -> String {
        add(
            "LayerNormalization",
            [x, constant(weight, "\(name).weight"), constant(bias, "\(name).bias")], name: name,
            ["axis": .integer(-1), "epsilon": .real(eps)])
    }

    /// x · Φ(x) = x / 2 · (1 + erf(x / √2)); operator set 18 has no operator for it.
    mutating func gelu(_ x: String, name: String) -> String {
        let scaled = multiply(x, by: 0.5.squareRoot(), name: "\(name).scaled")
        let error = add("Erf", [scaled], name: "\(name).erf")
        let one = constant(1, "\(name).one")
        let sum = add("Add", [error, one], name: "\(name).sum")
        let half = multiply(x, by: 0.5, name: "\(name).half")
        return add("Mul", [half, sum], name: name)
    }

    /// x · σ(1.702 x).
    mutating func quickGELU(_ x: String, name: String) -> String {
        let scaled = multiply(x, by: 1.702, name: "\(name).scaled")
        let gate = add("Sigmoid", [scaled], name: "\(name).gate")
        return add("Mul", [x, gate], name: name)
    }

    /// x · σ(x).
    mutating func silu(_ x: String, name: String) -> String {
        let gate = add("Sigmoid", [x], name: "\(name).gate")
        return add("Mul", [x, gate], name: name)
    }

    mutating func multiply(_ x: String, by factor: Double, name: String) -> String {
        let factor = constant(factor, "\(name).factor")
        return add("Mul", [x, factor], name: name)
    }

    /// c₀ x³ + c₁ x² + c₂ x + c₃.
    mutating func polynomial(_ x: String, _ coefficients: [Double], name: String) -> String {
        var sum = constant(coefficients[0], "\(name).coefficient")
        for coefficient in coefficients.dropFirst() {
            let product = add("Mul", [sum, x], name: "\(name).product")
            let next = constant(coefficient, "\(name).coefficient")
            sum = add("Add", [product, next], name: "\(name).sum")
        }
        return sum
    }

    /// Whole numbers or truths as fp32.
    mutating func real(_ x: String, name: String) -> String {
        add("Cast", [x], name: name, ["to": .integer(1)])
    }

    mutating func reshape(_ x: String, _ shape: [Int], name: String) -> String {
        let shape = constant(shape, "\(name).shape")
        return add("Reshape", [x, shape], name: name)
    }

    mutating func transpose(_ x: String, _ order: [Int], name: String) -> String {
        add("Transpose", [x], name: name, ["perm": .integers(order)])
    }

    /// The sizes of some dimensions, as a list of that length.
    mutating func sizes(of x: String, _ dimensions: Range<Int>, name: String) -> String {
        add(
            "Shape", [x], name: name,
            ["start": .integer(dimensions.lowerBound), "end": .integer(dimensions.upperBound)])
    }

    /// Elements of a dimension from one on.
    mutating func slice(
        _ x: String, _ range: PartialRangeFrom<Int>, axis: Int, name: String
    ) -> String {
        slice(x, range.lowerBound..<Int.max, axis: axis, name: name)
    }

    /// Elements `range` of a dimension.
    mutating func slice(_ x: String, _ range: Range<Int>, axis: Int, name: String) -> String {
        let bounds = [
            constant([range.lowerBound], "\(name).start"),
            constant([range.upperBound], "\(name).end"),
            constant([axis], "\(name).axis"),
        ]
        return add("Slice", [x] + bounds, name: name)
    }
}
