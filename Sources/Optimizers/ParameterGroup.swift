import Foundation
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
    /// The learning rate of layer l of L is multiplied by decay^(L − l). Groups stand in the order in
    /// which their first parameter appears, as in MAE's checkpoints; frozen parameters are in none.
    ///
    /// - Parameters:
    ///   - parameters: by their names in checkpoints.
    ///   - numbers: the layer of each.
    ///   - decay: 0.65 to 0.9 in the published recipes; 1 for one rate.
    ///   - isExempt: whether weight decay leaves a parameter alone; vectors, positions and the class
    ///     token by default.
    /// - Returns: the groups, with the scales of their learning rate and weight decay.
    public static func byLayer(
        _ parameters: [(name: String, tensor: Tensor)], _ numbers: LayerNumbers, decay: Double,
        isExempt: (String, Tensor) -> Bool = { name, tensor in
            tensor.rank <= 1 || name == "pos_embed" || name == "cls_token"
        }
    ) -> [ParameterGroup] {
        struct Key: Hashable {
            let layer: Int
            let decays: Bool
        }
        var order: [Key] = []
        var members: [Key: [(name: String, tensor: Tensor)]] = [:]
        for (name, tensor) in parameters where tensor.requiresGrad {
            let key = Key(layer: numbers.number(of: name), decays: !isExempt(name, tensor))
            if members[key] == nil { order.append(key) }
            members[key, default: []].append((name, tensor))
        }
        return order.map { key in
            ParameterGroup(
                members[key] ?? [],
                // The power, not a product: equal to the references' in the last bit.
                learningRateScale: pow(decay, Double(numbers.last - key.layer)),
                weightDecayScale: key.decays ? 1 : 0)
        }
    }

    /// The group's learning rate in a step.
    ///
    /// - Parameters:
    ///   - rate: of the step.
    ///   - floor: the part of it that scales leave alone, which is 0 in most schedules.
    /// - Returns: floor + scale · (rate − floor).
    func learningRate(_ rate: Double, floor: Double) -> Double {
        floor + learningRateScale * (rate - floor)
    }
}
