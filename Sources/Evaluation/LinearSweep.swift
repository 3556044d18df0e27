public import Configuration
import Foundation
import NN
import Optimizers
public import Torch

/// Linear classifiers at many learning rates, trained at once on one pass of features: the linear
/// evaluation of iBOT (2022), which DINO's is with a single rate.
///
/// 1. for every learning rate, weight decay and optimiser a linear layer, weights N(0, 0.01), no bias
/// 2. cross entropy; SGD with momentum or LARS; the rate falls along half a cosine, a step an epoch
/// 3. the accuracy of every one after every epoch; the best of all is the score, as published
///
/// The learning rates count for 256 pictures a step. A classifier beside others is the same as alone.
public final class LinearSweep {
    public struct Config: Configuration, Hashable {
        public var learningRates = Config.publishedRates
        public var weightDecays = [0.0]
        public var optimizers = [Rule.sgd]
        public var momentum = 0.9
        public var epochs = 100
        public var batch = 1024
        public var testEvery = 1

        public init() {}

        /// 1 to 9 times 10⁻⁴ to 10⁰: 45 of them.
        public static let publishedRates = (-4...0).flatMap { power in
            (1...9).compactMap { Double("\($0)e\(power)") }
        }

        public static var documentation: [String: String] {
            [
                "learningRates": "a classifier for each, at 256 pictures a step",
                "weightDecays": "combined with every rate; 0 and 1e-6 in iBOT's wide grid",
                "optimizers": "combined with both; sgd and lars in iBOT's wide grid",
                "momentum": "of sgd; lars has 0.9",
                "epochs": "in which the rates fall along half a cosine",
                "batch":
                    "pictures a step, 128 on each of 8 GPUs as published; fewer where there are "
                    + "fewer",
                "testEvery": "epochs between two tests; the last one is tested always",
            ]
        }

        public func validate() throws {
            try check(
                !learningRates.isEmpty && learningRates.allSatisfy { $0 > 0 && $0.isFinite },
                "learningRates", learningRates, expected: "positive numbers")
            try check(
                !weightDecays.isEmpty && weightDecays.allSatisfy { $0 >= 0 && $0.isFinite },
                "weightDecays", weightDecays, expected: "numbers from 0")
            try check(
                !optimizers.isEmpty && Set(optimizers).count == optimizers.count, "optimizers",
                optimizers.map(\.rawValue), expected: "sgd, lars or both, each once")
            try check(
                (0..<1).contains(momentum), "momentum", momentum, expected: "a number from 0 to 1")
            for (key, value) in [("epochs", epochs), ("batch", batch), ("testEvery", testEvery)] {
                try check(value > 0, key, value, expected: "a positive number")
            }
        }

        /// Every combination: rates outermost, optimisers innermost, as published.
        public var probes: [Probe] {
            learningRates.flatMap { rate in
                weightDecays.flatMap { decay in
                    optimizers.map {
                        Probe(learningRate: rate, weightDecay: decay, optimizer: $0)
                    }
                }
            }
        }
    }

    public enum Rule: String, Codable, Sendable, CaseIterable {
        case sgd
        case lars
    }

    /// How a classifier is trained.
    public struct Probe: Hashable, Sendable {
        public let learningRate: Double
        public let weightDecay: Double
        public let optimizer: Rule

        public init(learningRate: Double, weightDecay: Double, optimizer: Rule) {
            self.learningRate = learningRate
            self.weightDecay = weightDecay
            self.optimizer = optimizer
        }
    }

    public let probes: [Probe]
    private let stacks: [(members: [Int], stack: HeadStack)]

    /// Classifiers that start alike.
    ///
    /// - Parameters:
    ///   - probes: how each is trained.
    ///   - start: the weights `[K, D]` and biases `[K]`, on the device of the features.
    ///   - batch: pictures a step, by which the rates are scaled.
    ///   - momentum: of SGD; LARS has 0.9.
    public init(
        _ probes: [Probe], start: (weights: Tensor, bias: Tensor), batch: Int,
        momentum: Double = 0.9
    ) {
        self.probes = probes
        stacks = Rule.allCases.compactMap { rule in
            let members = probes.indices.filter { probes[$0].optimizer == rule }
            guard !members.isEmpty else { return nil }
            return (
                members,
                HeadStack(
                    learningRates: members.map {
                        scaledLearningRate(base: probes[$0].learningRate, batch: batch)
                    }, weightDecays: members.map { probes[$0].weightDecay }, start: start,
                    rule: rule == .sgd
                        ? .init(momentum: momentum, trustCoefficient: nil)
                        : .init(momentum: 0.9, trustCoefficient: 0.001))
            )
        }
    }

    /// What the rates are multiplied with in an epoch, counted from 0.
    public static func annealing(epoch: Int, of epochs: Int) -> Double {
        (1 + cos(Double.pi * Double(epoch) / Double(epochs))) / 2
    }

    /// One step of every classifier, with features `[B, D]` and class numbers `[B]`.
    public func step(_ features: Tensor, _ labels: Tensor, factor: Double) {
        for (_, stack) in stacks { stack.step(features, labels, factor: factor) }
    }

    /// The mean cross entropy of every classifier, `[probes]`.
    public func losses(_ features: Tensor, _ labels: Tensor) -> [Double] {
        var losses = probes.map { _ in 0.0 }
        for (members, stack) in stacks {
            let found = stack.losses(features, labels).to(.cpu).values(as: Double.self)
            for (index, loss) in zip(members, found) { losses[index] = loss }
        }
        return losses
    }

    /// The weights `[K, D]` and biases `[K]` of a classifier.
    public func head(_ index: Int) -> (weights: Tensor, bias: Tensor) {
        for (members, stack) in stacks {
            if let place = members.firstIndex(of: index) { return stack.head(place) }
        }
        fatalError("there is no classifier \(index)")
    }

    /// Where every classifier puts the right class of each test feature.
    public func ranks(_ test: Features) -> [TestRanks] {
        var ranks = probes.map { _ in TestRanks([]) }
        let labels = test.labelTensor
        for (members, stack) in stacks {
            for heads in stack.portions(of: min(test.count, 1024)) {
                let found = noGrad { Self.ranks(test.values, labels, stack, heads) }  // [h, M]
                let values = found.to(.cpu).values(as: Int64.self).map(Int.init)
                for place in heads {
                    let start = (place - heads.lowerBound) * test.count
                    ranks[members[place]] = TestRanks(Array(values[start..<start + test.count]))
                }
            }
        }
        return ranks
    }

    /// The tensors of every classifier, for `ProbeStore`.
    var stored: [(name: String, tensor: Tensor)] {
        stacks.enumerated().flatMap { index, part in
            part.stack.state.map { ("stack.\(index).\($0.name)", $0.tensor) }
        }
    }

    func load(_ tensors: StoredTensors) throws {
        for (name, tensor) in stored { try tensors.copy(name, to: tensor) }
    }

    private static func ranks(
        _ values: Tensor, _ labels: Tensor, _ stack: HeadStack, _ heads: Range<Int>
    ) -> Tensor {
        let count = labels.count
        let parts = stride(from: 0, to: count, by: 1024).map { start in
            let rows = start..<min(start + 1024, count)
            let logits = stack.logits(values[rows], of: heads)
            let right = labels[rows].reshaped(-1, 1).expanded([rows.count, heads.count])
            return Accuracy.ranks(scores: logits.flattened(0, 1), labels: right.flattened())
                .reshaped(rows.count, heads.count)
        }
        return concatenated(parts, 0).transposed().contiguous()
    }
}
