import Optimizers
import Testing
import Torch

/// A model of two parameters, of which `unused` never has a gradient.
private struct Model {
    let weight: Tensor
    let bias: Tensor
    let unused: Tensor

    init() {
        weight = Tensor([0.5, -1, 2, 0.25, 1, -0.75] as [Float], shape: [2, 3]).requiringGrad()
        bias = Tensor([0.1, -0.2] as [Float]).requiringGrad()
        unused = Tensor([3] as [Float]).requiringGrad()
    }

    var groups: [ParameterGroup] {
        [
            ParameterGroup([("bias", bias), ("unused", unused)], weightDecayScale: 0),
            ParameterGroup([("weight", weight)], learningRateScale: 0.5),
        ]
    }

    func setGradients(_ round: Int) {
        let r = Float(round)
        weight.gradient = Tensor(
            [0.1 + r, -0.3, 0.2 * r, 0.7, -r, 0.05] as [Float], shape: [2, 3])
        bias.gradient = Tensor([r - 1, 0.4] as [Float])
    }

    var values: [[Float]] { [weight, bias, unused].map { $0.detached().values() } }
}

/// Every rule, by name.
private let rules: [(name: String, make: @Sendable ([ParameterGroup]) -> any Optimizer)] = [
    ("AdamW", { AdamW($0) }), ("SGD", { SGD($0) }), ("momentum", { SGD($0, momentum: 0.9) }),
    ("Nesterov", { SGD($0, momentum: 0.9, nesterov: true) }), ("LARS", { LARS($0) }),
]

@Suite("Every optimiser") struct OptimizerTests {
    @Test("leaves parameters without a gradient alone and keeps no state of them", arguments: 0..<5)
    func unused(rule: Int) {
        let model = Model()
        let optimizer = rules[rule].make(model.groups)
        model.setGradients(1)
        optimizer.step(learningRate: 0.1, weightDecay: 0.5)
        #expect(model.values[2] == [3])
        #expect(!optimizer.stateTensors().contains { $0.name.hasSuffix("unused") })
        #expect(model.values[0] != Model().values[0])
        optimizer.clearGradients()
        #expect(optimizer.gradients.isEmpty)
    }

    @Test("continues bit for bit from its saved state", arguments: 0..<5)
    func resume(rule: Int) throws {
        func train(_ optimizer: any Optimizer, _ model: Model, rounds: ClosedRange<Int>) {
            for round in rounds {
                model.setGradients(round)
                optimizer.step(learningRate: 0.1, weightDecay: 0.05)
            }
        }
        let whole = Model()
        train(rules[rule].make(whole.groups), whole, rounds: 1...5)

        let half = Model()
        let first = rules[rule].make(half.groups)
        train(first, half, rounds: 1...3)
        let saved = Dictionary(
            uniqueKeysWithValues: first.stateTensors().map { ($0.name, $0.tensor.clone()) })
        let second = rules[rule].make(half.groups)
        try second.load(saved)
        train(second, half, rounds: 4...5)
        #expect(half.values == whole.values)
    }

    @Test("changes nothing where a gradient was not finite", arguments: 0..<5)
    func skip(rule: Int) {
        let skipping = Model()
        let plain = Model()
        let optimizers = [skipping, plain].map { rules[rule].make($0.groups) }
        skipping.setGradients(1)
        optimizers[0].step(learningRate: 0.1, weightDecay: 0.05, unless: Tensor.ones([]))
        #expect(skipping.values == Model().values)
        for (model, optimizer) in zip([skipping, plain], optimizers) {
            model.setGradients(2)
            optimizer.step(learningRate: 0.1, weightDecay: 0.05, unless: Tensor.zeros([]))
        }
        // Nor does the skipped step leave a trace in the state.
        #expect(skipping.values == plain.values)
    }

    @Test("refuses a state of other parameters, and keeps its own")
    func refusal() throws {
        let model = Model()
        let optimizer = AdamW(model.groups)
        model.setGradients(1)
        optimizer.step(learningRate: 0.1)
        let saved = Dictionary(
            uniqueKeysWithValues: optimizer.stateTensors().map { ($0.name, $0.tensor) })
        func message(_ change: (inout [String: Tensor]) -> Void) -> String {
            var changed = saved
            change(&changed)
            do {
                try optimizer.load(changed)
                return "nothing thrown"
            } catch {
                return "\(error)"
            }
        }
        #expect(message { $0["exp_avg.weight"] = nil }.contains("exp_avg.weight is missing"))
        #expect(
            message { $0["exp_avg.bias"] = Tensor.zeros([3]) }.contains(
                "exp_avg.bias has shape [3], the parameter needs [2]"))
        #expect(message { $0["exp_avg.other"] = Tensor.zeros([3]) }.contains("exp_avg.other"))
        #expect(
            optimizer.stateTensors().map(\.name) == [
                "step.bias", "exp_avg.bias", "exp_avg_sq.bias", "step.weight", "exp_avg.weight",
                "exp_avg_sq.weight",
            ])
    }
}

@Suite("Update rules") struct UpdateRuleTests {
    /// Two steps on one matrix of one element, and what the formula gives.
    private func run(
        _ make: ([ParameterGroup]) -> any Optimizer, gradients: [Double] = [0.5, -2],
        start: Double = 1.5
    ) -> Double {
        let parameter = Tensor([Float(start)], shape: [1, 1]).requiringGrad()
        let optimizer = make([ParameterGroup([("p", parameter)])])
        for gradient in gradients {
            parameter.gradient = Tensor([Float(gradient)], shape: [1, 1])
            optimizer.step(learningRate: 0.1, weightDecay: 0.2)
        }
        return parameter.detached().item
    }

    @Test("AdamW follows its formula")
    func adamW() {
        var (p, m, v) = (1.5, 0.0, 0.0)
        for (t, g) in [(1.0, 0.5), (2.0, -2.0)] {
            p *= 1 - 0.1 * 0.2
            m = 0.8 * m + 0.2 * g
            v = 0.9 * v + 0.1 * g * g
            let corrected = (v / (1 - (t == 1 ? 0.9 : 0.81))).squareRoot()
            p -= 0.1 * (m / (1 - (t == 1 ? 0.8 : 0.64))) / (corrected + 1e-3)
        }
        let found = run { AdamW($0, beta1: 0.8, beta2: 0.9, eps: 1e-3) }
        #expect(abs(found - p) < 1e-6)
    }

    @Test("SGD follows its formula", arguments: [(0.0, false), (0.9, false), (0.9, true)])
    func sgd(momentum: Double, nesterov: Bool) {
        var (p, b) = (1.5, 0.0)
        for g in [0.5, -2.0] {
            let slope = g + 0.2 * p
            b = momentum * b + slope
            p -= 0.1 * (nesterov ? slope + momentum * b : b)
        }
        let found = run { SGD($0, momentum: momentum, nesterov: nesterov) }
        #expect(abs(found - p) < 1e-6)
    }

    @Test("LARS follows its formula")
    func lars() {
        var (p, mu) = (1.5, 0.0)
        for g in [0.5, -2.0] {
            let slope = g + 0.2 * p
            mu = 0.9 * mu + slope * 0.02 * abs(p) / abs(slope)
            p -= 0.1 * mu
        }
        let found = run { LARS($0, trustCoefficient: 0.02) }
        #expect(abs(found - p) < 1e-6)
    }

    @Test("LARS takes the plain gradient where a norm is zero", arguments: [0.0, 1.0])
    func larsZero(start: Double) {
        let gradient = start == 0 ? 0.7 : -0.2 * start  // the second cancels the decay
        let found = run({ LARS($0) }, gradients: [gradient], start: start)
        #expect(abs(found - (start - 0.1 * (gradient + 0.2 * start))) < 1e-6)
    }
}
