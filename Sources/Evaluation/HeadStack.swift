import Torch

/// Linear classifiers of the same features with the weights of all in one matrix, so that a step of all
/// of them is two matrix products, as a step of one is.
///
/// H heads, K classes, B pictures, D width. The gradient of the cross entropy at the logits is
/// softmax − one-hot, so nothing is recorded for differentiation. A head's learning rate multiplies its
/// rows of that gradient: velocities v hold lr · μ of the usual momentum μ, and a step is θ ← θ − c v with
/// one factor c for all. No head knows of the others; one that diverges harms none.
final class HeadStack {
    /// How heads of one stack step.
    struct Rule {
        var momentum: Double
        /// η of LARS; nil for plain descent.
        var trustCoefficient: Double?
    }

    let count: Int  // H
    let classCount: Int  // K
    private let rule: Rule
    private let weights: Tensor  // [H · K, D]
    private let biases: Tensor  // [H · K]
    private let velocities: (weights: Tensor, biases: Tensor)
    private let rates: Tensor  // [H, 1]
    private let decays: Tensor?  // [H, 1]

    /// Logits of so many numbers are made at once: 16 MB, which stay in the caches.
    static let portion = 1 << 22

    /// Heads that start alike.
    ///
    /// - Parameters:
    ///   - learningRates: of each head.
    ///   - weightDecays: of each head.
    ///   - start: the weights `[K, D]` and biases `[K]` that every head begins with.
    ///   - rule: of the steps.
    init(
        learningRates: [Double], weightDecays: [Double], start: (weights: Tensor, bias: Tensor),
        rule: Rule
    ) {
        count = learningRates.count
        classCount = start.weights.shape[0]
        self.rule = rule
        let device = start.weights.device
        func column(_ values: [Double]) -> Tensor {
            Tensor(values.map(Float.init), shape: [values.count, 1]).to(device)
        }
        rates = column(learningRates)
        decays = weightDecays.allSatisfy { $0 == 0 } ? nil : column(weightDecays)
        (weights, biases) = noGrad { [count] in
            (start.weights.detached().tiled(count, 1), start.bias.detached().tiled(count))
        }
        velocities = (.zeros(like: weights), .zeros(like: biases))
    }

    /// All that steps change, by name.
    var state: [(name: String, tensor: Tensor)] {
        [
            ("weights", weights), ("biases", biases), ("velocities.weights", velocities.weights),
            ("velocities.biases", velocities.biases),
        ]
    }

    /// The weights `[K, D]` and biases `[K]` of a head.
    func head(_ index: Int) -> (weights: Tensor, bias: Tensor) {
        let rows = index * classCount..<(index + 1) * classCount
        return (weights[rows], biases[rows])
    }

    /// The logits `[B, h, K]` of the heads `heads`.
    func logits(_ features: Tensor, of heads: Range<Int>) -> Tensor {
        let rows = heads.lowerBound * classCount..<heads.upperBound * classCount
        return features.linear(weights[rows], biases[rows])
            .reshaped(features.shape[0], heads.count, classCount)
    }

    /// The mean cross entropy of every head, `[H]`.
    func losses(_ features: Tensor, _ labels: Tensor) -> Tensor {
        noGrad {
            let means = portions(of: features.shape[0]).map { heads in
                let logs = logits(features, of: heads).logSoftmax(2)
                return -logs.gathered(places(of: labels, heads.count), 2).mean(0).squeezed(1)
            }
            return concatenated(means, 0)
        }
    }

    /// One step of every head.
    ///
    /// - Parameters:
    ///   - features: `[B, D]`.
    ///   - labels: `[B]` class numbers.
    ///   - factor: what all learning rates are multiplied with.
    func step(_ features: Tensor, _ labels: Tensor, factor: Double) {
        noGrad {
            for heads in portions(of: labels.count) { step(features, labels, factor, heads) }
        }
    }

    private func step(_ features: Tensor, _ labels: Tensor, _ factor: Double, _ heads: Range<Int>) {
        let rows = heads.lowerBound * classCount..<heads.upperBound * classCount
        let slopes = logits(features, of: heads).softmax(2)  // [B, h, K]
        let places = places(of: labels, heads.count)
        slopes.scatterAddInPlace(
            Tensor.full(places.shape, -1, device: slopes.device), at: places, 2)
        let own = rates[heads]
        if rule.trustCoefficient == nil {
            slopes.multiplyInPlace(by: own * (1 / Double(labels.count)))
        } else {
            slopes.multiplyInPlace(by: 1 / Double(labels.count))
        }
        let flat = slopes.flattened(1)  // [B, h · K]
        let (ofWeights, ofBiases) = (velocities.weights[rows], velocities.biases[rows])
        if let trust = rule.trustCoefficient {
            // Vectors have neither weight decay nor the factor of trust.
            let slope = trusted(
                flat.transposed().matmul(features), weights[rows], heads, trust)
            ofWeights.multiplyInPlace(by: rule.momentum)
            ofWeights.addInPlace(slope)
            ofBiases.multiplyInPlace(by: rule.momentum)
            ofBiases.addInPlace((flat.sum(0).reshaped(heads.count, classCount) * own).flattened())
        } else {
            ofWeights.addProductInPlace(flat.transposed(), features, keeping: rule.momentum)
            ofBiases.multiplyInPlace(by: rule.momentum)
            ofBiases.addInPlace(flat.sum(0))
            if let decays {
                let pull = own * decays[heads]
                ofWeights.addInPlace(scaled(weights[rows], by: pull))
                ofBiases.addInPlace(scaled(biases[rows], by: pull))
            }
        }
        weights[rows].addInPlace(ofWeights, scale: -factor)
        biases[rows].addInPlace(ofBiases, scale: -factor)
    }

    /// Gradients of the weights in LARS, each head's by its own norms and learning rate.
    private func trusted(
        _ gradient: Tensor, _ weights: Tensor, _ heads: Range<Int>, _ trust: Double
    ) -> Tensor {
        let slope = decays.map { gradient + scaled(weights, by: $0[heads]) } ?? gradient
        let steep = slope.reshaped(heads.count, -1).norm(1, keepDim: true)  // [h, 1]
        let size = weights.reshaped(heads.count, -1).norm(1, keepDim: true)
        let ratio = ((size .> 0) .& (steep .> 0))
            .select(size * trust / steep, else: Tensor.ones([], device: size.device))
        return scaled(slope, by: ratio * rates[heads])
    }

    /// Rows of a stack, each head's multiplied by its number of `factors` `[h, 1]`.
    private func scaled(_ rows: Tensor, by factors: Tensor) -> Tensor {
        (rows.reshaped(factors.shape[0], -1) * factors).reshaped(rows.shape)
    }

    /// Where the right class lies in the logits of h heads, `[B, h, 1]`.
    private func places(of labels: Tensor, _ heads: Int) -> Tensor {
        labels.reshaped(-1, 1, 1).expanded([labels.count, heads, 1])
    }

    /// Heads that are computed together for a batch.
    func portions(of batch: Int) -> [Range<Int>] {
        let size = max(1, Self.portion / max(1, batch * classCount))
        return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
}
