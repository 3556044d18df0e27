import Configuration
import Evaluation
import Testing

@Suite("Settings of evaluations") struct EvaluationSettingsTests {
    @Test("every one has a line of help, in the words of recipes")
    func documented() throws {
        func check<Config: Configuration>(_: Config.Type) throws {
            for setting in try Config.resolve().settings {
                let help = try #require(setting.documentation, "\(Config.self): \(setting.key)")
                #expect(!help.split(separator: " ").contains("nil"), "\(setting.key): \(help)")
            }
        }
        try check(FeatureExtractor.Config.self)
        try check(KNearestNeighbors.Config.self)
        try check(LinearProbe.Config.self)
        try check(LinearSweep.Config.self)
        try check(PooledProbes.Config.self)
        try check(ReadOutProbes.Config.self)
        try check(LogisticEvaluation.Config.self)
        try check(ClusteringEvaluation.Config.self)
    }

    @Test(
        "a penalty whose quotients no number holds is refused, with the range",
        arguments: ["1e-300", "1e300", "0", "-1", "1, 1e-31"])
    func penalties(lambdas: String) throws {
        #expect {
            _ = try LogisticEvaluation.Config.resolve(overrides: ["lambdas=[\(lambdas)]"])
        } throws: {
            let error = $0 as? ConfigurationError
            return error?.key == "lambdas"
                && "\($0)".contains("expected numbers from 1e-30 to 1e30")
        }
        for value in [Double.infinity, .nan] {
            var config = LogisticEvaluation.Config()
            config.lambdas = [value]
            #expect(throws: ConfigurationError.self) { try config.validate() }
        }
        let ends = ["lambdas=[1e-30, 1e30]"]
        #expect(try LogisticEvaluation.Config.resolve(overrides: ends).value.lambdas.count == 2)
    }

    /// The settings of a protocol that a score does not carry.
    private func missing(
        _ score: Score, _ config: some Configuration, except: Set<String>
    ) throws -> [String] {
        try type(of: config).resolve().settings
            .map { String($0.key.split(separator: ".").last ?? "") }
            .filter { score.settings[$0] == nil && !except.contains($0) }
    }

    @Test("scores carry the settings that they depend on")
    func cards() throws {
        let (train, test) = (clusters(64, seed: 1), clusters(32, seed: 2))
        var linear = LinearProbe.Config()
        (linear.epochs, linear.warmupEpochs, linear.batch) = (1, 0, 32)
        linear.optimizer = .sgd
        let probe = try LinearProbe.scores(train: train, test: test, linear)
        #expect(try missing(probe[0], linear, except: []) == [])
        #expect(probe[0].settings["start"] == "narrow" && probe[0].settings["momentum"] == 0)
        // That of LARS is no setting.
        linear.optimizer = .lars
        #expect(
            try LinearProbe.scores(train: train, test: test, linear)[0].settings["momentum"] == nil)

        var pooled = PooledProbes.Config()
        (pooled.epochs, pooled.batch, pooled.milestones) = (1, 32, [8, 16])
        let heads = try PooledProbes.scores(train: train, test: test, blockWidths: [8], pooled)
        // The names of the heads have the others.
        #expect(
            try missing(heads[0], pooled, except: ["rateFactors", "weightDecays"]) == [])
        #expect(heads[0].settings["milestones"] == "8 16")

        var sweep = LinearSweep.Config()
        (sweep.epochs, sweep.batch, sweep.learningRates) = (1, 32, [0.1])
        #expect(
            try missing(
                LinearSweep.scores(train: train, test: test, sweep)[0], sweep, except: []) == [])

        var logistic = LogisticEvaluation.Config()
        logistic.lambdas = [1]
        #expect(
            try missing(
                LogisticEvaluation.scores(train: train, test: test, logistic)[0], logistic,
                except: ["lambdas"]) == [])

        let clustering = ClusteringEvaluation.Config()
        #expect(
            try missing(
                ClusteringEvaluation.scores(test: test, clustering)[0], clustering, except: [])
                == [])
    }
}
