public import Torch

/// Two linear layers with an activation between: `[…, D] -> […, D]`.
public final class Mlp: Module, FeedForward {
    let fc1: Linear
    let fc2: Linear
    private let activation: any Layer

    public init(
        _ width: Int, hidden: Int, activation: any Layer = GELU(), generator: Generator?
    ) {
        fc1 = Linear(width, hidden, generator: generator)
        fc2 = Linear(hidden, width, generator: generator)
        self.activation = activation
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { fc2(activation(fc1(x))) }

    public var linearLayers: [Linear] { [fc1, fc2] }
}
