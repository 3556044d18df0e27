public import Torch

/// Two linear layers with GELU between: `[…, D] -> […, D]`.
public final class Mlp: Module, Layer {
    let fc1: Linear
    let fc2: Linear

    public init(_ width: Int, hidden: Int, generator: Generator?) {
        fc1 = Linear(width, hidden, generator: generator)
        fc2 = Linear(hidden, width, generator: generator)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { fc2(fc1(x).gelu()) }
}
