import Configuration
import Evaluation
import Testing
import Torch

@Suite("Linear probes of several blocks at once") struct PooledProbesTests {
    /// Two parts of a feature, of 3 and 5 numbers: the classes are in one of them.
    private func features(_ count: Int, inLast: Bool, seed: UInt64) -> Features {
        let labels = (0..<count).map { $0 % 3 }
        let noise = Tensor.normal([count, 8], generator: Generator(seed: seed)) * 0.3
        let hot = Tensor(labels).oneHot(classCount: 3).to(dtype: .float32)
        let signal =
            inLast
            ? concatenated([.zeros([count, 3]), hot, .zeros([count, 2])], 1)
            : concatenated([hot, .zeros([count, 5])], 1)
        return Features(values: noise + signal * 4, labels: labels)
    }

    private var config: PooledProbes.Config {
        var config = PooledProbes.Config()
        (config.batch, config.epochs, config.milestones) = (32, 6, [4])
        config.baseLearningRate = 1
        (config.rateFactors, config.weightDecays) = ([1, 0.1], [5e-4, 0])
        return config
    }

    @Test("each head sees its part", arguments: [true, false])
    func parts(inLast: Bool) throws {
        let (train, test) = (
            features(600, inLast: inLast, seed: 1), features(300, inLast: inLast, seed: 2)
        )
        let results = try PooledProbes.run(
            train: train, test: test, blockWidths: [3, 5], config)
        #expect(results.count == 16 && results[0].accuracy.top1 > 99)
        for (name, accuracy) in results where name.hasPrefix("lastPOOL") && name.contains("× 1.0") {
            #expect(inLast ? accuracy.top1 > 95 : accuracy.top1 < 60, "\(name)")
        }
        let scores = try PooledProbes.scores(
            train: train, test: test, blockWidths: [3, 5], config)
        #expect(scores.map(\.metric) == ["top1", "top5"])
        #expect(scores[0].value == results[0].accuracy.top1)
    }

    @Test("features of other parts, and settings that make no sense, are refused")
    func refused() {
        let set = features(60, inLast: true, seed: 3)
        #expect(throws: EvaluationError.self) {
            try PooledProbes.run(train: set, test: set, blockWidths: [4, 5])
        }
        #expect(throws: EvaluationError.self) {
            try PooledProbes.run(train: set, test: set, blockWidths: [])
        }
        for change in [
            { $0.batch = 0 }, { $0.epochs = 0 }, { $0.rateFactors = [] },
            { $0.weightDecays = [-1] }, { $0.baseLearningRate = 0 },
        ] as [(inout PooledProbes.Config) -> Void] {
            var config = PooledProbes.Config()
            change(&config)
            #expect(throws: ConfigurationError.self) { try config.validate() }
        }
    }
}
