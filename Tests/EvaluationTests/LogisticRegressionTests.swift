import Evaluation
import Testing
import Torch

@Suite("Logistic regression") struct LogisticRegressionTests {
    private func problem(_ features: Features) -> LogisticRegression {
        LogisticRegression(
            features.values, labels: Tensor(features.labels), classCount: features.classCount)
    }

    /// The objective by its definition.
    private func objective(_ features: Features, _ weights: Tensor, l1: Double, l2: Double)
        -> Double
    {
        let scores = LogisticRegression.scores(features.values, weights)
        return scores.crossEntropy(Tensor(features.labels)).item
            + l1 * weights.abs().sum().item + l2 / 2 * weights.squared().sum().item
    }

    @Test("the certificate holds and neighbours are higher", arguments: [1e-6, 1e-3, 1, 100])
    func optimum(lambda: Double) {
        let features = clusters(200, spread: 2, seed: 1)
        let fit = problem(features).fitL2(lambda, tolerance: 1e-10)
        #expect(fit.relativeGap <= 1e-10)
        let found = objective(features, fit.weights, l1: 0, l2: lambda)
        #expect(abs(found - fit.objective) < 1e-12)
        for seed in 0..<5 as Range<UInt64> {
            let direction = Tensor.normal(
                fit.weights.shape, generator: Generator(seed: seed), dtype: .float64)
            let elsewhere = fit.weights + direction * (0.01 * fit.weights.norm().item)
            #expect(objective(features, elsewhere, l1: 0, l2: lambda) > found)
        }
    }

    @Test("the elastic net too, and it is sparse", arguments: [1e-3, 0.1])
    func elasticNet(lambda: Double) {
        let features = clusters(200, spread: 2, seed: 1)
        let fit = problem(features).fitElasticNet(lambda, tolerance: 1e-10)
        #expect(fit.relativeGap <= 1e-10)
        let found = objective(features, fit.weights, l1: lambda, l2: lambda)
        #expect(abs(found - fit.objective) < 1e-12)
        for seed in 0..<5 as Range<UInt64> {
            let direction = Tensor.normal(
                fit.weights.shape, generator: Generator(seed: seed), dtype: .float64)
            let elsewhere = fit.weights + direction * (0.01 * fit.weights.norm().item)
            #expect(objective(features, elsewhere, l1: lambda, l2: lambda) > found)
        }
        let zeros = (fit.weights .== 0).sum().item
        #expect(lambda < 0.01 || zeros > 10)
    }

    @Test("absolute values alone: a certified optimum, and sparse", arguments: [1e-3, 0.1])
    func absolute(lambda: Double) {
        let features = clusters(200, spread: 2, seed: 1)
        let fit = problem(features).fitElasticNet(lambda, ridge: 0, tolerance: 1e-9)
        #expect(fit.relativeGap <= 1e-9)
        let found = objective(features, fit.weights, l1: lambda, l2: 0)
        #expect(abs(found - fit.objective) < 1e-12)
        for seed in 0..<5 as Range<UInt64> {
            let direction = Tensor.normal(
                fit.weights.shape, generator: Generator(seed: seed), dtype: .float64)
            let elsewhere = fit.weights + direction * (0.01 * fit.weights.norm().item)
            #expect(objective(features, elsewhere, l1: lambda, l2: 0) > found)
        }
        // The gap is no smaller than what an unfinished fit is worse by.
        let early = problem(features).fitElasticNet(
            lambda, ridge: 0, tolerance: 1e-9, maxIterations: 10)
        #expect(early.objective - found <= early.relativeGap * early.objective + 1e-12)
        let zeros = (fit.weights .== 0).sum().item
        #expect(lambda < 0.01 || zeros > 10)
    }

    @Test("a warm start changes the way, not the end")
    func warmStart() {
        let features = clusters(200, spread: 2, seed: 1)
        let problem = problem(features)
        let far = problem.fitL2(1e-2, tolerance: 1e-12)
        let cold = problem.fitL2(1e-3, tolerance: 1e-12)
        let warm = problem.fitL2(1e-3, from: far.weights, tolerance: 1e-12)
        #expect((cold.weights - warm.weights).abs().max().item < 1e-4)
        #expect(warm.iterations <= cold.iterations)
        #expect(problem.fitL2(1e-3, from: cold.weights, tolerance: 1e-10).iterations == 0)
    }

    @Test("columns of very different scale are solved all the same")
    func conditioning() {
        let features = clusters(300, spread: 2, seed: 3)
        let scales = Tensor((0..<8).map { Float(1 << (2 * $0)) })
        let stretched = Features(values: features.values * scales, labels: features.labels)
        let fit = problem(stretched).fitL2(1e-4, tolerance: 1e-9)
        #expect(fit.relativeGap <= 1e-9)
        #expect(fit.iterations < 200)
    }

    @Test("a limit on the iterations is kept, and the gap tells")
    func limit() {
        let fit = problem(clusters(200, spread: 2, seed: 1)).fitL2(
            1e-6, tolerance: 1e-10, maxIterations: 2)
        #expect(fit.iterations == 2)
        #expect(fit.relativeGap > 1e-10)
    }
}

@Suite("Scores by logistic regression") struct LogisticEvaluationTests {
    @Test("several λ come back in the order asked for, each with the solution of its own run")
    func grid() throws {
        let (train, test) = (clusters(200, spread: 2, seed: 1), clusters(80, spread: 2, seed: 2))
        var config = LogisticEvaluation.Config()
        config.lambdas = [0.1, 10, 0.01]
        config.tolerance = 1e-10
        let results = try LogisticEvaluation.run(train: train, test: test, config)
        #expect(results.map(\.lambda) == config.lambdas)
        for result in results {
            config.lambdas = [result.lambda]
            let alone = try #require(
                LogisticEvaluation.run(train: train, test: test, config).first)
            #expect(abs(alone.fit.objective - result.fit.objective) < 1e-9)
            #expect(alone.test == result.test)
            #expect(result.test.top1 > 40)
        }
    }

    @Test("a column without any deviation is of no weight, not NaN", arguments: [false, true])
    func constantColumn(sparse: Bool) throws {
        func withConstant(_ features: Features) -> Features {
            Features(
                values: concatenated([features.values, .ones([features.count, 1])], 1),
                labels: features.labels)
        }
        let (train, test) = (clusters(100, seed: 1), clusters(40, seed: 2))
        var config = LogisticEvaluation.Config()
        if sparse { config.penalty = .l1 }
        let plain = try LogisticEvaluation.run(train: train, test: test, config)[0]
        let found = try LogisticEvaluation.run(
            train: withConstant(train), test: withConstant(test), config)[0]
        #expect(found.test == plain.test)
        #expect(abs(found.fit.objective - plain.fit.objective) < 1e-6)
    }

    @Test("the gap is a number for the strongest and the weakest penalty, and is 0 of one class")
    func gaps() throws {
        let (train, test) = (clusters(60, seed: 1), clusters(20, seed: 2))
        let single = Features(values: train.values, labels: train.labels.map { _ in 0 })
        var config = LogisticEvaluation.Config()
        config.maxIterations = 5
        for penalty in LogisticEvaluation.Penalty.allCases {
            config.penalty = penalty
            config.lambdas = [1e30, 1e-30]
            for result in try LogisticEvaluation.run(train: train, test: test, config) {
                #expect(result.fit.relativeGap.isFinite, "\(penalty) \(result.lambda)")
            }
            config.lambdas = [1]
            let one = try LogisticEvaluation.run(train: single, test: single, config)[0]
            #expect(one.fit.relativeGap == 0 && one.test.top1 == 100, "\(penalty)")
        }
    }

    @Test("features that cannot be scored are refused with the reason")
    func refusals() {
        let good = clusters(20, seed: 1)
        func message(_ train: Features, _ test: Features) -> String {
            do {
                _ = try LogisticEvaluation.run(train: train, test: test)
                return "nothing thrown"
            } catch { return "\(error)" }
        }
        let empty = Features(values: .zeros([0, 8]), labels: [])
        #expect(message(good, empty).contains("no test features"))
        #expect(message(empty, good).contains("no training features"))
        #expect(message(good, clusters(20, width: 5, seed: 1)).contains("8 values"))
        let unlabelled = Features(values: good.values, labels: good.labels.map { _ in -1 })
        #expect(message(unlabelled, good).contains("negative"))
        let broken = Features(values: good.values / 0, labels: good.labels)
        #expect(message(broken, good).contains("not finite"))
    }
}
