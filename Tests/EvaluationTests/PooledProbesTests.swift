import Configuration
import Evaluation
import NN
import Testing
import Torch
import VisionModels

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

    @Test(
        "heads are named by how far the blocks are apart, and by the order where VISSL has another",
        arguments: [
            (1, [3, 5], "concatPOOL2"), (3, [3, 5], "stridePOOL_2_3, earliest first"),
            (3, [8], "concatPOOL1"),
        ] as [(Int, [Int], String)])
    func names(stride: Int, widths: [Int], name: String) throws {
        let set = features(60, inLast: true, seed: 3)
        var config = PooledProbes.Config()
        (config.batch, config.epochs, config.milestones) = (60, 1, [])
        let results = try PooledProbes.run(
            train: set, test: set, blockWidths: widths, stride: stride, config)
        let ends = [", batch norm, lr × 1.0, wd 0.0005", ", lr × 1.0, wd 0.0005"]
        let names = [name, "lastPOOL"].flatMap { start in ends.map { start + $0 } }
        #expect(results.map(\.name).sorted() == names.sorted())
        let scores = try PooledProbes.scores(
            train: set, test: set, blockWidths: widths, stride: stride, config)
        #expect(scores[0].settings["top1 of " + name + ends[0]] != nil)
    }

    /// The order that the name tells: the fourth last block before the last.
    @Test("with a stride the mean of the earliest block comes first")
    func order() throws {
        var shape = VisionTransformer.Config()
        (shape.imageSize, shape.patchSize, shape.width) = (8, 4, 8)
        (shape.depth, shape.heads, shape.classToken) = (4, 2, false)
        let encoder = try VisionTransformer(shape, generator: Generator(seed: 1))
        encoder.evaluate()
        let images = Tensor.normal([2, 3, 8, 8], generator: Generator(seed: 2))
        func mean(_ change: (inout FeatureExtractor.Config) -> Void) throws -> Tensor {
            var config = FeatureExtractor.Config()
            config.tokens = .mean
            change(&config)
            return try FeatureExtractor(encoder, config)(images)
        }
        let both = try mean { ($0.blocks, $0.stride) = (2, 3) }
        let (first, last) = (try mean { $0.leftOut = 3 }, try mean { _ in })
        #expect(both.isEqual(to: concatenated([first, last], 1)))
        #expect(!first.isEqual(to: last))
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
