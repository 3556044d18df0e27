public import NN
public import Torch

/// The head of DINO and iBOT: from tokens to their likeness with learned prototypes.
///
/// 1. an MLP down to the bottleneck, whose result has unit length
/// 2. its products with the class's prototypes, and for patches with theirs: K or K₂ logits
///
/// Caron et al., *Emerging Properties in Self-Supervised Vision Transformers* (2021), appendix C; Zhou
/// et al., *iBOT: Image BERT Pre-Training with Online Tokenizer* (2022), section 3.2. Without a
/// bottleneck the last linear layer makes the logits. D width of tokens, F length of the bottleneck.
///
/// The two steps are apart because the first can be shared and averaged: the mean of logits is the logits
/// of the mean.
public final class ProjectionHead: Module {
    private let mlp: [any Layer]
    private let single: Linear?
    private let mlp2: Linear?
    let lastLayer: WeightNormLinear?
    /// The patches' prototypes where they have their own.
    let lastLayer2: WeightNormLinear?
    private let form: HeadForm

    /// An MLP of one layer has no number in its name.
    public override class var stateNames: [String: String] { ["single": "mlp"] }

    /// - Parameters:
    ///   - width: D.
    ///   - prototypes: K.
    ///   - patchPrototypes: K₂; nil where patches share the class's prototypes.
    ///   - form: of the MLP.
    ///   - generator: the source of the initial weights.
    public init(
        _ width: Int, prototypes: Int, patchPrototypes: Int?, form: HeadForm = HeadForm(),
        generator: Generator?
    ) {
        self.form = form
        let hasBottleneck = form.bottleneck > 0
        func linear(_ inputs: Int, _ outputs: Int) -> Linear {
            let layer = Linear(inputs, outputs, generator: generator)
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
            return layer
        }
        // One norm for all layers, as in the reference, whose files have it under each of its numbers.
        let norm: (any Layer)? =
            switch form.norm {
            case .none: nil
            case .batch: BatchNorm(form.width)
            case .layer: LayerNorm(form.width, eps: 1e-5)
            }
        var layers: [any Layer] = []
        for index in 0..<form.depth - 1 {
            layers.append(linear(index == 0 ? width : form.width, form.width))
            if let norm { layers.append(index == 0 ? norm : Activation { norm($0) }) }
            layers.append(form.activation == .gelu ? GELU() : Activation { $0.relu() })
        }
        let hidden = form.depth == 1 ? width : form.width
        let last = linear(hidden, hasBottleneck ? form.bottleneck : prototypes)
        (mlp, single) = form.depth == 1 ? ([], last) : (layers + [last], nil)
        mlp2 = hasBottleneck ? nil : patchPrototypes.map { linear(hidden, $0) }
        // After the linear layers, so that its draws do not depend on theirs.
        func prototypeLayer(_ count: Int) -> WeightNormLinear {
            WeightNormLinear(form.bottleneck, count, generator: generator)
        }
        lastLayer = hasBottleneck ? prototypeLayer(prototypes) : nil
        lastLayer2 = hasBottleneck ? patchPrototypes.map(prototypeLayer) : nil
        super.init()
        if form.fixesGain {
            for layer in [lastLayer, lastLayer2] { layer?.weightG.requiringGrad(false) }
        }
    }

    /// Beginnings of names under which files of the reference have tensors for the second time, with
    /// those of the first.
    var repeatedNames: [(again: String, first: String)] {
        var names = (1..<max(form.depth - 1, 1)).filter { _ in form.norm != .none }
            .map { (again: "mlp.\(3 * $0 + 1).", first: "mlp.1.") }
        if lastLayer != nil, lastLayer2 == nil { names.append(("last_layer2.", "last_layer.")) }
        return names
    }

    /// K.
    public var prototypeCount: Int { (lastLayer?.weightV ?? lastOfMLP.weight).shape[0] }

    /// Whether what one token gives depends on the others of its pass.
    var mixesTokens: Bool { form.norm == .batch }
}

// MARK: - Forward

extension ProjectionHead {
    /// What prototypes are compared with: the bottleneck at unit length, or without one the last hidden
    /// layer; `[…, D] -> […, F]`.
    public func hidden(_ tokens: Tensor) -> Tensor {
        let shape = tokens.shape
        var x = tokens.reshaped(-1, shape[shape.count - 1])
        let hasBottleneck = lastLayer != nil
        for layer in hasBottleneck ? mlp : Array(mlp.dropLast()) { x = layer(x) }
        if hasBottleneck {
            if let single { x = single(x) }
            x = x.atLeastFloat32.normalized()
        }
        return x.reshaped(Array(shape.dropLast()) + [x.shape[1]])
    }

    /// The logits of class tokens, at least in fp32: `[…, F] -> […, K]`.
    ///
    /// Products with prototypes are made in fp32 in any precision: logits are divided by temperatures of
    /// a few hundredths, so that what bf16 rounds off would be a tenth.
    public func classLogits(_ hidden: Tensor) -> Tensor {
        if let lastLayer { return withoutAutocast(on: hidden.device) { lastLayer(hidden) } }
        return lastOfMLP(hidden).atLeastFloat32
    }

    /// The linear layer that makes the logits where there is no bottleneck.
    private var lastOfMLP: Linear {
        guard let last = single ?? mlp.last as? Linear else {
            fatalError("a head without a last layer")
        }
        return last
    }

    /// The logits of patches, at least in fp32: `[…, F] -> […, K₂]`.
    public func patchLogits(_ hidden: Tensor) -> Tensor {
        if let lastLayer2 { return withoutAutocast(on: hidden.device) { lastLayer2(hidden) } }
        if let mlp2 { return mlp2(hidden).atLeastFloat32 }
        return classLogits(hidden)
    }
}
