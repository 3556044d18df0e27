public import Torch

/// x · Φ(x): Hendrycks and Gimpel, *Gaussian Error Linear Units* (2016).
public struct GELU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { x.gelu() }
}

/// GELU by its tanh approximation, which some models were trained with.
public struct TanhGELU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { x.tanhGELU() }
}

/// x · σ(1.702 x), the approximation of GELU that CLIP was trained with.
public struct QuickGELU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { x * (x * 1.702).sigmoid() }
}
