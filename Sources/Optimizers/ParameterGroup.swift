public import Torch

/// Parameters that the optimiser treats alike.
public struct ParameterGroup {
    /// With their names in checkpoints, in checkpoint order.
    public let parameters: [(name: String, tensor: Tensor)]

    /// What the step's learning rate is multiplied with.
    public let learningRateScale: Double

    /// What the step's weight decay is multiplied with: 0 in groups without decay.
    public let weightDecayScale: Double

    /// A group of parameters, with the step's own rates by default.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], learningRateScale: Double = 1,
        weightDecayScale: Double = 1
    ) {
        self.parameters = parameters
        self.learningRateScale = learningRateScale
        self.weightDecayScale = weightDecayScale
    }
}

extension ParameterGroup {
    /// The parameters that weight decay leaves alone: vectors, scalars and everything called
    /// `bias`.
    ///
    /// All else decays, class and mask tokens and learned positions too, as in MAE and iBOT.
    public static func isExemptFromDecay(_ name: String, _ tensor: Tensor) -> Bool {
        tensor.rank <= 1 || name == "bias" || name.hasSuffix(".bias")
    }

    /// Which of two groups comes first.
    ///
    /// States of optimisers in checkpoints of PyTorch are numbered through the groups in turn, so
    /// the order decides which state is whose.
    public enum DecayOrder: Sendable {
        /// MAE.
        case exemptFirst
        /// iBOT, SimMIM, I-JEPA.
        case decayedFirst
    }

    /// Two groups, one of which does not decay; frozen parameters are in neither.
    public static func byDecay(
        _ parameters: [(name: String, tensor: Tensor)], order: DecayOrder = .exemptFirst,
        isExempt: (String, Tensor) -> Bool = isExemptFromDecay
    ) -> [ParameterGroup] {
        let trained = parameters.filter(\.tensor.requiresGrad)
        let exempt = ParameterGroup(
            trained.filter { isExempt($0.name, $0.tensor) }, weightDecayScale: 0)
        let decayed = ParameterGroup(trained.filter { !isExempt($0.name, $0.tensor) })
        return order == .exemptFirst ? [exempt, decayed] : [decayed, exempt]
    }

    /// The groups of fine-tuning with layer-wise learning rates: Bao et al., *BEiT* (2022).
    ///
    /// The learning rate of layer l of L = depth + 1 is multiplied by decay^(L − l). Layer 0 are the
    /// embeddings of patches, positions and the class, layer l the l-th block, layer L the rest.
    /// Vectors, positions and the class token do not decay. Groups stand in the order in which
    /// their first parameter appears, as in MAE's checkpoints; frozen parameters are in none.
    ///
    /// - Parameters:
    ///   - parameters: of a vision transformer, by their names in checkpoints.
    ///   - depth: the number of blocks.
    ///   - decay: 0.65 to 0.8 in the published recipes; 1 for one rate.
    ///   - exempt: names that do not decay although they are no vectors.
    /// - Returns: the groups, with the scales of their learning rate and weight decay.
    public static func byLayer(
        _ parameters: [(name: String, tensor: Tensor)], depth: Int, decay: Double,
        exempt: Set<String> = ["pos_embed", "cls_token"]
    ) -> [ParameterGroup] {
        struct Key: Hashable {
            let layer: Int
            let decays: Bool
        }
        var order: [Key] = []
        var members: [Key: [(name: String, tensor: Tensor)]] = [:]
        for (name, tensor) in parameters where tensor.requiresGrad {
            let decays = tensor.rank > 1 && !exempt.contains(name)
            let key = Key(layer: layer(of: name, depth: depth), decays: decays)
            if members[key] == nil { order.append(key) }
            members[key, default: []].append((name, tensor))
        }
        return order.map { key in
            var scale = 1.0
            for _ in key.layer..<(depth + 1) { scale *= decay }
            return ParameterGroup(
                members[key] ?? [], learningRateScale: scale, weightDecayScale: key.decays ? 1 : 0)
        }
    }

    /// The number of the layer of a vision transformer that a parameter belongs to: 0 for the
    /// embeddings, i + 1 for `blocks.i`, depth + 1 for all else.
    public static func layer(of name: String, depth: Int) -> Int {
        if name == "cls_token" || name == "pos_embed" || name.hasPrefix("patch_embed") { return 0 }
        let parts = name.split(separator: ".", maxSplits: 2)
        guard parts.count > 1, parts[0] == "blocks", let block = Int(parts[1]) else {
            return depth + 1
        }
        return block + 1
    }
}
