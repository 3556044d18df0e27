public import Torch

/// A mixture of experts in the place of a block's network, in which experts choose tokens of the whole
/// batch, so that some tokens get more computation than others; norm and residual are inside.
///
/// Shi et al., *DiffMoE: Dynamic Token Selection for Scalable Diffusion Transformers* (2025), section 3.
/// z = norm(x) are the N tokens of all sequences, g = (tanh(W z) + 1) / 2 the gate of each expert.
///
/// 1. training: each of the E experts takes the N / E tokens whose gate is largest
/// 2. y = x + Σ over the experts that took it of g_e · E_e(z); an expert is two layers with GELU
/// 3. a small network learns from z alone which experts take a token (`capacityLoss`), and a running
///    threshold keeps the probability that N / E tokens exceed
/// 4. evaluation: the experts whose probability is above their threshold, whatever the batch is
///
/// B sequences, T tokens, D width, N = B · T. Padding counts in N and may be taken, with a gate of 0.
public final class DiffMoE: Module {
    @Parameter var fc1s: Tensor  // [E, 4D, D]
    @Parameter var fc2s: Tensor  // [E, D, 4D]
    @Parameter var b1s: Tensor  // [E, 4D]
    @Parameter var b2s: Tensor  // [E, D]
    let norm: any Layer
    let gateProj: Linear
    let capacityPredictor: Sequential
    package let thresholds: CapacityThresholds
    private let expertCount: Int

    public override class var stateNames: [String: String] {
        ["thresholds": "capacity_predictor_thresholds"]
    }

    /// What the layer makes of its tokens.
    public struct Output {
        /// `[B, T, D]`.
        public let tokens: Tensor
        /// What the small network has to learn yet, a number to add to the loss; nil in evaluation.
        public let capacityLoss: Tensor?
        /// Which expert worked on which token, `[N, E]`, ones and zeros.
        public let routes: Tensor
    }

    /// - Parameters:
    ///   - width: D.
    ///   - experts: E.
    ///   - norm: which norm is in front.
    ///   - generator: the source of the initial weights. Those of the experts start from U(±1/(2D)), as
    ///     published: much less than a linear layer's.
    public init(_ width: Int, experts: Int, norm: NormForm = .layerNorm, generator: Generator?) {
        let bound = 1 / Double(2 * width)
        let drawn = { (shape: [Int]) in
            Init.uniform(shape, -bound, bound, generator: generator)
        }
        fc1s = drawn([experts, 4 * width, width])
        fc2s = drawn([experts, width, 4 * width])
        b1s = drawn([experts, 4 * width])
        b2s = drawn([experts, width])
        self.norm = norm.make(width)
        gateProj = Linear(width, experts, bias: false, generator: generator)
        capacityPredictor = Sequential(
            Linear(width, width, generator: generator), TanhGELU(),
            Linear(width, experts, generator: generator))
        thresholds = CapacityThresholds(experts: experts)
        expertCount = experts
    }

    /// - Parameters:
    ///   - x: `[B, T, D]`; in training of no fewer tokens than there are experts.
    ///   - present: `[B, T]`, false for padding; nil where there is none.
    /// - Returns: the tokens, with what the capacities have to learn.
    public func callAsFunction(_ x: Tensor, present: Tensor? = nil) -> Output {
        let z = norm(x).flattened(0, 1)  // [N, D]
        let gates = (gateProj(z).tanh() + 1) * 0.5  // [N, E]
        let isThere = present.map { $0.flattened().unsqueezed(1) }  // [N, 1]
        return isTraining
            ? training(x, z, gates, isThere) : evaluation(x, z, gates, isThere)
    }
}

// MARK: - Training

extension DiffMoE {
    private func training(
        _ x: Tensor, _ z: Tensor, _ gates: Tensor, _ isThere: Tensor?
    ) -> Output {
        let (count, width) = z.shape2
        let capacity = count / expertCount
        require(capacity > 0, "\(count) tokens are fewer than the \(expertCount) experts")
        let zero = Tensor.zeros([], dtype: gates.dtype, device: gates.device)
        let scores = isThere.map { $0.select(gates, else: zero) } ?? gates
        let (taken, rows) = scores.topK(capacity, 0)  // [k, E] each
        let chosen = rows.transposed()  // [E, k]
        let parts = experts(z.selectingRows(chosen)) * taken.transposed().unsqueezed(-1)
        let added = Tensor.zeros([count, width], dtype: parts.dtype, device: parts.device)
            .scatterAdding(
                parts.flattened(0, 1), at: chosen.flattened().unsqueezed(1).expanded([-1, width]),
                0)
        let routes = Tensor.zeros([count, expertCount], device: z.device)
            .scatterAdding(.ones([capacity, expertCount], device: z.device), at: rows, 0)
        // What the gates learn must not bend what they see.
        let logits = capacityPredictor(z.detached())
        noGrad { thresholds.update(logits.detached().sigmoid(), capacity: capacity) }
        return Output(
            tokens: x + added.reshaped(x.shape),
            capacityLoss: capacityLoss(logits, routes, isThere), routes: routes)
    }

    /// The mean over experts and tokens that are there.
    private func capacityLoss(_ logits: Tensor, _ routes: Tensor, _ isThere: Tensor?) -> Tensor {
        let losses = logits.to(dtype: .float32).binaryCrossEntropies(routes).mean(1)  // [N]
        guard let isThere else { return losses.mean() }
        let weights = isThere.flattened().to(dtype: .float32)
        return (losses * weights).sum() / weights.sum().clamped(min: 1)
    }

    /// All experts, each on its tokens: `[E, k, D] -> [E, k, D]`.
    private func experts(_ z: Tensor) -> Tensor {
        let hidden = (z.matmul(fc1s.transposed()) + b1s.unsqueezed(1)).tanhGELU()
        return hidden.matmul(fc2s.transposed()) + b2s.unsqueezed(1)
    }
}

// MARK: - Evaluation

extension DiffMoE {
    private func evaluation(
        _ x: Tensor, _ z: Tensor, _ gates: Tensor, _ isThere: Tensor?
    ) -> Output {
        let width = z.shape[1]
        let probabilities = capacityPredictor(z).sigmoid()
        var isActive = .!(probabilities .< thresholds.parameter)  // [N, E]
        if let isThere { isActive = isActive .& isThere }
        var y = x.flattened(0, 1)
        // One after another: how many tokens an expert has differs.
        for expert in 0..<expertCount {
            let rows = isActive[0..., expert].placesOfNonzero()  // [k]
            guard rows.count > 0 else { continue }
            let hidden = z.selectingRows(rows).linear(fc1s[expert], b1s[expert]).tanhGELU()
            let part =
                hidden.linear(fc2s[expert], b2s[expert])
                * gates[0..., expert].selecting(rows, 0).unsqueezed(1)
            y = y.scatterAdding(
                part.to(dtype: y.dtype), at: rows.unsqueezed(1).expanded([-1, width]), 0)
        }
        return Output(
            tokens: y.reshaped(x.shape), capacityLoss: nil, routes: isActive.to(dtype: .float32))
    }
}

/// The probability above which each expert takes a token, learned by running along.
package final class CapacityThresholds: Module {
    @Buffer package var parameter: Tensor  // [E]
    @Buffer var isInitted: Tensor  // [1], bool
    private let momentum = 0.05

    init(experts: Int) {
        parameter = Init.zeros([experts])
        isInitted = Tensor.zeros([1], dtype: .bool)
    }

    /// Moves towards the probability of the last token that would be taken, `probabilities` being
    /// `[N, E]`; the first batch sets it.
    func update(_ probabilities: Tensor, capacity: Int) {
        let last = probabilities.to(dtype: .float32).topK(capacity, 0).values[capacity - 1]
        let start = isInitted.select(parameter, else: parameter + last)
        parameter.copyInPlace(start + (last - start) * momentum)
        isInitted.fillInPlace(1)
    }
}
