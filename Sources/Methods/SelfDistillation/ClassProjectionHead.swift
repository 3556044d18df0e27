public import NN
public import Torch

/// A classifier on one of the layers of DINO's and iBOT's projection head: Zhou et al., *iBOT: Image
/// BERT Pre-Training with Online Tokenizer* (2022), section 4.1, after Chen et al., *Big
/// Self-Supervised Models are Strong Semi-Supervised Learners* (2020).
///
/// The first f layers of the head stay, each with its GELU; of all n layers also the bottleneck at unit
/// length and the prototypes. A linear layer on them makes the logits. D width of features, K classes.
public final class ClassProjectionHead: Module, Layer {
    private let mlp: [any Layer]
    private let lastLayer: WeightNormLinear?
    private let clsHead: Linear

    /// - Parameters:
    ///   - width: D.
    ///   - classCount: K.
    ///   - layer: f, from 1 to the depth of the form.
    ///   - prototypes: of the projection head; only where all its layers stay.
    ///   - form: of the projection head, without norms, with a bottleneck.
    ///   - generator: the source of the initial weights, N(0, 0.02²).
    public init(
        _ width: Int, classCount: Int, layer: Int, prototypes: Int, form: HeadForm = HeadForm(),
        generator: Generator?
    ) {
        require((1...form.depth).contains(layer), "a head of \(form.depth) has no layer \(layer)")
        require(
            form.norm == .none && form.bottleneck > 0 && form.activation == .gelu,
            "only layers with GELU and without norms, and a bottleneck")
        func linear(_ inputs: Int, _ outputs: Int) -> Linear {
            let layer = Linear(inputs, outputs, generator: generator)
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
            return layer
        }
        let isWhole = layer == form.depth
        let hidden = min(layer, form.depth - 1)
        var layers: [any Layer] = (0..<hidden).flatMap { index -> [any Layer] in
            [linear(index == 0 ? width : form.width, form.width), GELU()]
        }
        if isWhole { layers.append(linear(hidden == 0 ? width : form.width, form.bottleneck)) }
        mlp = layers
        lastLayer =
            isWhole ? WeightNormLinear(form.bottleneck, prototypes, generator: generator) : nil
        clsHead = linear(isWhole ? prototypes : form.width, classCount)
    }

    /// The logits of features: `[B, D] -> [B, K]`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let hidden = mlp.reduce(x) { $1($0) }
        guard let lastLayer else { return clsHead(hidden) }
        return clsHead(lastLayer(hidden.atLeastFloat32.normalized()))
    }

    /// The start of the names of what no projection head has.
    static let ownNames = "cls_head."
}
