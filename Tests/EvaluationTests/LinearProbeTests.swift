import Evaluation
import NN
import Testing
import Torch

@Suite("Linear probe") struct LinearProbeTests {
    private var config: LinearProbe.Config {
        var config = LinearProbe.Config()
        config.batch = 32
        config.epochs = 10
        config.warmupEpochs = 1
        config.baseLearningRate = 0.5
        return config
    }

    @Test("clusters are told apart", arguments: LinearProbe.Rule.allCases)
    func learns(rule: LinearProbe.Rule) throws {
        let (train, test) = (clusters(200, seed: 1), clusters(100, seed: 2))
        var config = config
        config.optimizer = rule
        // LARS moves a weight by shares of its length: more steps at a higher rate.
        config.baseLearningRate = rule == .lars ? 20 : 0.5
        config.epochs = rule == .lars ? 60 : 10
        var losses: [Double] = []
        let result = try LinearProbe.run(train: train, test: test, config) { _, trained, _ in
            losses.append(trained.loss)
        }
        #expect(losses.count == config.epochs)
        #expect(losses[config.epochs - 1] < losses[0])
        #expect(result.final.accuracy.top1 > 90)
        #expect(result.best.top1 >= result.final.accuracy.top1)
        #expect(result.final.predictions.count == 100)
    }

    @Test("a seed gives the same run, another seed another one")
    func repeatable() throws {
        let (train, test) = (clusters(100, spread: 2, seed: 1), clusters(60, seed: 2))
        func loss(_ seed: UInt64) throws -> Double {
            try LinearProbe.run(train: train, test: test, config, seed: seed).final.loss
        }
        #expect(try loss(3) == loss(3))
        #expect(try loss(3) != loss(4))
    }

    @Test("an incomplete group at the end of an epoch is dropped")
    func accumulation() throws {
        let features = clusters(96, seed: 1)
        var config = config
        config.accumulation = 2
        func batches(_ count: Int) -> [LinearProbe.Batch] {
            (0..<count).map { index in
                let rows = (index * 32)..<(index * 32 + 32)
                return (features.values[rows], Tensor(features.labels)[rows])
            }
        }
        func train(_ count: Int) throws -> ([Float], LinearProbe.TrainingStatistics) {
            let head = ProbeHead.make(width: 8, classCount: 4, generator: Generator(seed: 5))
            let probe = try LinearProbe(head, config)
            let statistics = probe.trainEpoch(batches(count), batchCount: 3, epoch: 1)
            return (head.parameters.flatMap { $0.detached().values(as: Float.self) }, statistics)
        }
        let (two, _) = try train(2)
        let (three, statistics) = try train(3)
        #expect(two == three)
        #expect(statistics.gradientNorms.count == 1)
        #expect(statistics.losses.count == 3)
    }

    @Test("the evaluation's loss is a mean of batches, its accuracy one of pictures")
    func evaluationAverages() throws {
        let features = clusters(48, spread: 3, seed: 1)
        let labels = Tensor(features.labels)
        let probe = try LinearProbe(
            ProbeHead.make(width: 8, classCount: 4, generator: Generator(seed: 5)), config)
        func evaluate(_ cuts: [Range<Int>]) -> LinearProbe.EvaluationStatistics {
            probe.evaluate(cuts.map { (features.values[$0], labels[$0]) })
        }
        let parts = [0..<40, 40..<48]
        let single = parts.map { evaluate([$0]) }
        let both = evaluate(parts)
        let whole = evaluate([0..<48])
        #expect(abs(both.loss - (single[0].loss + single[1].loss) / 2) < 1e-9)
        #expect(abs(both.meanLoss - whole.loss) < 1e-6)
        #expect(abs(both.accuracy.top1 - whole.accuracy.top1) < 1e-9)
        #expect(both.predictions == whole.predictions)
    }

    @Test("the narrow start has a small weight and no bias")
    func start() throws {
        let head = ProbeHead.make(
            width: 64, classCount: 10, start: .narrow, generator: Generator(seed: 1))
        let tensors = Dictionary(uniqueKeysWithValues: head.namedParameters.map { $0 })
        let weight = try #require(tensors["1.weight"])
        #expect(abs(weight.variance(0, 1).sqrt().item - 0.01) < 0.001)
        #expect(tensors["1.bias"]?.abs().max().item == 0)
    }

    @Test("settings that make no sense are refused")
    func validation() {
        var config = LinearProbe.Config()
        config.epochs = 0
        #expect(throws: (any Error).self) { try config.validate() }
        config = .init()
        config.accumulation = 0
        #expect(throws: (any Error).self) { try config.validate() }
        config = .init()
        (config.epochs, config.warmupEpochs) = (5, 6)
        #expect(throws: (any Error).self) { try config.validate() }
        config.warmupEpochs = 5
        #expect(throws: Never.self) { try config.validate() }
    }

    @Test("an epoch without a whole group of batches would train nothing, and is refused")
    func noStep() throws {
        let (train, test) = (clusters(100, seed: 1), clusters(60, seed: 2))
        var config = config
        (config.batch, config.accumulation) = (50, 2)
        #expect(throws: Never.self) { try LinearProbe.run(train: train, test: test, config) }
        config.batch = 51
        #expect(throws: (any Error).self) {
            try LinearProbe.run(train: train, test: test, config)
        }
    }
}
