public import Torch

/// A function of one tensor, with or without parameters.
public protocol Layer {
    func callAsFunction(_ x: Tensor) -> Tensor
}

/// Layers one after another; their names in checkpoints are their numbers.
public final class Sequential: Module, Layer {
    let layers: [any Layer]

    public override class var stateNames: [String: String] { ["layers": ""] }

    public init(_ layers: any Layer...) {
        self.layers = layers
    }

    public init(_ layers: [any Layer]) {
        self.layers = layers
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        layers.reduce(x) { $1($0) }
    }
}

/// A layer without parameters, given by its function: `Activation { $0.relu() }`.
public struct Activation: Layer {
    private let function: (Tensor) -> Tensor

    public init(_ function: @escaping (Tensor) -> Tensor) {
        self.function = function
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { function(x) }
}
