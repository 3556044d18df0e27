import Configuration
import Data
import NN
import Testing
import Torch
import VisionModels

@testable import Evaluation

@Suite("Read-outs trained at once") struct ReadOutProbesTests {
    private static let form = TokenForm(
        width: 16, extraTokens: 1, hasClassToken: true, grid: PatchGrid(rows: 3, columns: 3))

    /// One patch of nine says which class it is, and that it is the one; the others are noise, so is the
    /// class token.
    private static func features(_ count: Int, seed: UInt64) -> Features {
        let labels = (0..<count).map { $0 % 4 }
        let tokens = Tensor.normal([count, 10, 16], generator: Generator(seed: seed))
        var random = CounterRandom(seed: seed, purpose: .evaluation)
        let place = Tensor((0..<count).map { _ in 1 + random.integer(in: 0..<9) })
        let here = place.oneHot(classCount: 10).to(dtype: .float32).unsqueezed(2)
        let kind = Tensor(labels).oneHot(classCount: 16).to(dtype: .float32)
        let mark = Tensor([15]).oneHot(classCount: 16).to(dtype: .float32)
        let signal = (kind * 4 + mark * 6).unsqueezed(1) * here
        return Features(values: (tokens + signal).flattened(1), labels: labels)
    }

    private static var config: ReadOutProbes.Config {
        var config = ReadOutProbes.Config()
        (config.batch, config.epochs, config.warmupEpochs) = (64, 15, 1)
        config.optimizer = .adamw
        config.baseLearningRate = 0.02
        config.settings.heads = 2
        return config
    }

    @Test("those that choose tokens find the one that matters, the mean and the class token do not")
    func selection() throws {
        var config = Self.config
        config.readOuts = ReadOutKind.allCases
        let results = try ReadOutProbes.run(
            train: Self.features(1024, seed: 1), test: Self.features(400, seed: 2),
            form: Self.form, config)
        #expect(results.map(\.kind) == config.readOuts)
        let top1 = Dictionary(results.map { ($0.kind, $0.accuracy.top1) }) { first, _ in first }
        let mean = try #require(top1[.mean])
        #expect(try #require(top1[.cls]) < 40)
        for kind in [ReadOutKind.abmilp, .ep, .attentive, .cae] {
            #expect(try #require(top1[kind]) > mean + 5, "\(kind) \(top1)")
        }
        // 16 numbers and a bias of the pooling, 16 times 4 and 4 of the classifier.
        #expect(results.first { $0.kind == .abmilp }?.parameterCount == 17 + 68)
    }

    @Test(
        "copies differ by their rate alone, and a head trained beside others is the same as alone")
    func independent() throws {
        var config = Self.config
        (config.epochs, config.readOuts) = (2, [.abmilp, .mean])
        config.rateFactors = [1, 0.1]
        let (train, test) = (Self.features(256, seed: 1), Self.features(400, seed: 2))
        let both = try ReadOutProbes.run(train: train, test: test, form: Self.form, config)
        #expect(both.map(\.rateFactor) == [1, 0.1, 1, 0.1])
        (config.readOuts, config.rateFactors) = ([.mean], [0.1])
        let alone = try ReadOutProbes.run(train: train, test: test, form: Self.form, config)
        #expect(alone[0].accuracy == both[3].accuracy)
        #expect(both[2].accuracy != both[3].accuracy)
    }

    @Test("the score is that of the best rate and names every one")
    func scores() throws {
        var config = Self.config
        (config.epochs, config.readOuts, config.rateFactors) = (2, [.ep], [1, 0.01])
        let scores = try ReadOutProbes.scores(
            train: Self.features(256, seed: 1), test: Self.features(200, seed: 2),
            form: Self.form, config)
        #expect(scores.map(\.metric) == ["top1", "top5"])
        let rates = scores[0].settings.compactMap { key, value -> Double? in
            guard key.hasPrefix("top1 at"), case .number(let number) = value else { return nil }
            return number
        }
        #expect(rates.count == 2 && rates.max() == scores[0].value)
        #expect(scores[0].settings["readOut"] == "ep")
        #expect(scores[0].settings["minLearningRate"] == 0)
        #expect(scores[0].settings["outputDivisor"] == 1)
        #expect(scores[0].settings["queries"] != nil && scores[0].settings["depth"] == nil)
    }

    @Test("what does not fit is refused")
    func refused() throws {
        let set = Self.features(64, seed: 3)
        func run(
            _ form: TokenForm = Self.form, _ change: (inout ReadOutProbes.Config) -> Void
        ) throws {
            var config = Self.config
            config.epochs = 1
            change(&config)
            _ = try ReadOutProbes.run(train: set, test: set, form: form, config)
        }
        for change in [
            { $0.readOuts = [] }, { $0.readOuts = [.mean, .mean] }, { $0.rateFactors = [0] },
            { $0.batch = 0 }, { $0.epochs = 0 }, { $0.baseLearningRate = 0 },
            {
                $0.readOuts = [.attentive]
                $0.settings.heads = 3
            },
            {
                $0.readOuts = [.ep]
                $0.settings.queries = 5
            },
            {
                $0.readOuts = [.ep]
                $0.settings.outputDivisor = 3
            },
            { $0.warmupEpochs = 2 },
        ] as [(inout ReadOutProbes.Config) -> Void] {
            #expect(throws: ConfigurationError.self) { try run(Self.form, change) }
        }
        var withoutClass = Self.form
        (withoutClass.extraTokens, withoutClass.hasClassToken) = (0, false)
        withoutClass.grid = PatchGrid(rows: 2, columns: 5)
        #expect(throws: ConfigurationError.self) {
            try run(withoutClass) { $0.readOuts = [.cls] }
        }
        #expect(throws: ConfigurationError.self) {
            try run(withoutClass) {
                $0.readOuts = [.abmilp]
                $0.settings.abmilp.content = .all
            }
        }
        try run(withoutClass) { $0.readOuts = [.abmilp] }
        var narrow = Self.form
        narrow.width = 8
        #expect(throws: EvaluationError.self) { try run(narrow) { _ in } }
    }
}
