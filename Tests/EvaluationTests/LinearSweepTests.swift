import Configuration
import Evaluation
import NN
import Optimizers
import Testing
import Torch

@Suite("Linear probes at many learning rates at once") struct LinearSweepTests {
    private let train = clusters(120, spread: 2, seed: 1)
    private let test = clusters(60, spread: 2, seed: 2)

    private func config(_ rates: [Double], epochs: Int = 5) -> LinearSweep.Config {
        var config = LinearSweep.Config()
        (config.learningRates, config.epochs, config.batch) = (rates, epochs, 32)
        return config
    }

    @Test("45 rates from 1e-4 to 9, each once")
    func published() {
        let rates = LinearSweep.Config().learningRates
        #expect(rates.count == 45 && Set(rates).count == 45 && rates == rates.sorted())
        #expect(rates.first == 1e-4 && rates.last == 9 && rates.contains(0.03))
        var wide = LinearSweep.Config()
        (wide.weightDecays, wide.optimizers) = ([0, 1e-6], [.sgd, .lars])
        #expect(wide.probes.count == 180)
        #expect(
            wide.probes[3]
                == LinearSweep.Probe(learningRate: 1e-4, weightDecay: 1e-6, optimizer: .lars))
    }

    @Test("a classifier beside others is the same as alone, diverging ones beside it too")
    func independence() throws {
        let rates = [0.01, 1, 1e30, 0.3]
        let together = try LinearSweep.run(train: train, test: test, config(rates))
        for (index, rate) in rates.enumerated() {
            let alone = try LinearSweep.run(train: train, test: test, config([rate]))
            #expect(alone.outcomes[0].final == together.outcomes[index].final, "lr \(rate)")
            #expect(alone.outcomes[0].best == together.outcomes[index].best, "lr \(rate)")
        }
        #expect(together.best.best.top1 > 50)
        #expect(together.ranks.accuracy == together.best.best)
    }

    @Test("a step is that of autograd and the optimiser", arguments: LinearSweep.Rule.allCases)
    func steps(rule: LinearSweep.Rule) {
        let decay = 0.1
        let start = (
            weights: Tensor.normal([4, 8], generator: Generator(seed: 3)), bias: Tensor.zeros([4])
        )
        let sweep = LinearSweep(
            [0.2, 2].map {
                LinearSweep.Probe(learningRate: $0, weightDecay: decay, optimizer: rule)
            }, start: start, batch: 256)
        let layers = (0..<2).map { _ in Linear(8, 4, generator: nil) }
        let optimizers = layers.map { layer -> any Optimizer in
            noGrad {
                layer.weight.copyInPlace(start.weights)
                layer.bias?.copyInPlace(start.bias)
            }
            let group = [ParameterGroup(layer.namedParameters)]
            return rule == .sgd ? SGD(group, momentum: 0.9) : LARS(group)
        }
        let labels = Tensor(train.labels)
        for step in 0..<4 {
            let factor = 1 / Double(step + 1)
            sweep.step(train.values, labels, factor: factor)
            for (index, rate) in [0.2, 2].enumerated() {
                layers[index](train.values).crossEntropy(labels).backward()
                optimizers[index].step(learningRate: rate * factor, weightDecay: decay)
                optimizers[index].clearGradients()
            }
        }
        for index in 0..<2 {
            let (weights, bias) = sweep.head(index)
            let difference = (weights - layers[index].weight.detached()).abs().max().item
            #expect(difference < 1e-4, "\(rule) \(difference)")
            let other = (bias - (layers[index].bias?.detached() ?? .zeros([4]))).abs().max().item
            #expect(other < 1e-4, "\(rule) \(other)")
        }
        let losses = sweep.losses(train.values, labels)
        for (layer, loss) in zip(layers, losses) {
            #expect(abs(layer(train.values).crossEntropy(labels).item - loss) < 1e-4)
        }
    }

    @Test("the best is the best, and with a wide grid that by the learning rate alone is told too")
    func best() throws {
        var wide = config([0.001, 0.1])
        (wide.weightDecays, wide.optimizers) = ([0, 0.5], [.sgd, .lars])
        let result = try LinearSweep.run(train: train, test: test, wide)
        #expect(result.outcomes.count == 8)
        #expect(result.best.best.top1 == result.outcomes.map(\.best.top1).max())
        let plain = result.outcomes.filter {
            $0.probe.weightDecay == 0 && $0.probe.optimizer == .sgd
        }
        #expect(result.rateOnly.outcome.best.top1 == plain.map(\.best.top1).max())
        let scores = try LinearSweep.scores(train: train, test: test, wide)
        #expect(scores.map(\.metric) == ["top1", "top5", "top1", "top5"])
        #expect(scores[2].settings["chosenBy"] == "learning rate")
        #expect(scores[0].value == result.best.best.top1)
        let interval = try #require(scores[0].interval)
        #expect(interval.low <= scores[0].value && scores[0].value <= interval.high)
        #expect(interval.low < interval.high)
        #expect(try LinearSweep.scores(train: train, test: test, config([0.1])).count == 2)
    }

    @Test("tests between epochs count; the last epoch is tested always")
    func testEvery() throws {
        var rare = config([0.1], epochs: 5)
        rare.testEvery = 3
        let result = try LinearSweep.run(train: train, test: test, rare)
        #expect([3, 5].contains(result.best.bestEpoch))
        let often = try LinearSweep.run(train: train, test: test, config([0.1], epochs: 5))
        #expect(often.outcomes[0].final == result.outcomes[0].final)
        #expect(often.best.best.top1 >= result.best.best.top1)
    }

    @Test("settings that make no sense are refused")
    func refused() {
        for change in [
            { $0.learningRates = [] }, { $0.learningRates = [0] }, { $0.weightDecays = [-1] },
            { $0.weightDecays = [] }, { $0.optimizers = [] }, { $0.optimizers = [.sgd, .sgd] },
            { $0.momentum = 1 }, { $0.epochs = 0 }, { $0.batch = 0 }, { $0.testEvery = 0 },
        ] as [(inout LinearSweep.Config) -> Void] {
            var config = LinearSweep.Config()
            change(&config)
            #expect(throws: ConfigurationError.self) { try config.validate() }
        }
    }
}
