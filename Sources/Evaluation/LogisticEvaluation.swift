public import Configuration
import Torch

/// Scores features by logistic regression, as iBOT and StoP (with 1 % of the labels) do.
///
/// 1. features at unit length (iBOT), or each column standardised (StoP)
/// 2. the optimum for every λ, each begun at the one before
/// 3. the accuracy of the largest score on the test features
///
/// The defaults are StoP's.
public struct LogisticEvaluation {
    public struct Config: Configuration, Hashable {
        public var preparation = Preparation.standardized
        public var penalty = Penalty.l2
        public var lambdas = [0.00025]
        public var lambdaOfSum = true
        public var testByItself = true
        public var tolerance = 1e-6
        public var maxIterations = 1000

        public init() {}

        public static var documentation: [String: String] {
            [
                "preparation":
                    "of features: standardized, each column (StoP), or normalized, at unit length "
                    + "(iBOT)",
                "penalty":
                    "l2; elasticNet, in the principal axes of the training features (StoP); or l1, "
                    + "of the features themselves",
                "lambdas":
                    "every λ to score, from 1e-30 to 1e30; 0.01, 0.1 and 1 in iBOT's code",
                "lambdaOfSum":
                    "whether λ weighs against the sum of the examples' losses (StoP) instead of "
                    + "their mean (iBOT)",
                "testByItself":
                    "whether test features are standardized by their own statistics, as StoP's "
                    + "code does, instead of those of the training features",
                "tolerance": "the relative gap to the optimum at which a solver stops",
                "maxIterations": "of a solver; 100 times as many for elasticNet and l1",
            ]
        }

        /// iBOT's: features at unit length, λ of .01, .1 and 1 against the mean loss.
        public static var iBOT: Config {
            var config = Config()
            (config.preparation, config.lambdas) = (.normalized, [0.01, 0.1, 1])
            config.lambdaOfSum = false
            return config
        }

        public func validate() throws {
            // Within, the quotients by λ are numbers that fp64 has; long before either end the
            // penalty is all that counts, or nothing.
            guard !lambdas.isEmpty, lambdas.allSatisfy({ (1e-30...1e30).contains($0) }) else {
                throw ConfigurationError.invalid(
                    "lambdas", found: lambdas, expected: "numbers from 1e-30 to 1e30")
            }
            guard tolerance > 0 else {
                throw ConfigurationError.invalid(
                    "tolerance", found: tolerance, expected: "a positive number")
            }
            guard maxIterations > 0 else {
                throw ConfigurationError.invalid(
                    "maxIterations", found: maxIterations, expected: "a positive number")
            }
        }
    }

    public enum Preparation: String, Codable, Sendable, CaseIterable {
        case normalized
        case standardized
    }

    public enum Penalty: String, Codable, Sendable, CaseIterable {
        case l2
        /// In the principal axes of the training features, as the authors of StoP fit it.
        case elasticNet
        /// Of the features themselves, so that weights of 0 are features that do not count.
        case l1
    }

    /// The solution for one λ.
    public struct Result {
        /// As it was given.
        public let lambda: Double
        public let fit: LogisticRegression.Fit
        public let train: Accuracy
        public let test: Accuracy
        /// Where the scores put the right classes.
        public let testRanks: TestRanks
    }

    /// The solutions in the order of the configuration's λ.
    ///
    /// - Throws: `EvaluationError` for features that cannot be fitted.
    public static func run(train: Features, test: Features, _ config: Config = Config()) throws
        -> [Result]
    {
        try config.validate()
        try EvaluationError.check(train: train, test: test)
        let (examples, tested) = noGrad {
            prepare(train: train.values, test: test.values, config)
        }
        let classCount = max(train.classCount, test.classCount)
        let problem = LogisticRegression(
            examples, labels: train.labelTensor, classCount: classCount)
        var results: [Double: Result] = [:]
        var start: Tensor?
        // From strong to weak penalties: each solution is near the next.
        for lambda in Set(config.lambdas).sorted(by: >) {
            let strength = config.lambdaOfSum ? lambda / Double(train.count) : lambda
            let fit =
                config.penalty == .l2
                ? problem.fitL2(
                    strength, from: start, tolerance: config.tolerance,
                    maxIterations: config.maxIterations)
                : problem.fitElasticNet(
                    strength, ridge: config.penalty == .l1 ? 0 : 1, from: start,
                    tolerance: config.tolerance,
                    maxIterations: config.maxIterations * 100)
            start = fit.weights
            let ranks = TestRanks(
                scores: LogisticRegression.scores(tested, fit.weights), labels: test.labelTensor)
            results[lambda] = Result(
                lambda: lambda, fit: fit,
                train: Accuracy(
                    scores: LogisticRegression.scores(examples, fit.weights),
                    labels: train.labelTensor),
                test: ranks.accuracy, testRanks: ranks)
        }
        return config.lambdas.compactMap { results[$0] }
    }

    /// Features in the form in which they are fitted and scored, fp64.
    static func prepare(train: Tensor, test: Tensor, _ config: Config) -> (Tensor, Tensor) {
        guard config.preparation == .standardized else {
            let prepared = [train, test].map { $0.to(dtype: .float64).normalized() }
            return (prepared[0], prepared[1])
        }
        let statistics = Standardization(of: train)
        let ownStatistics = config.testByItself ? Standardization(of: test) : statistics
        let (x, y) = (statistics(train), ownStatistics(test))
        // The L2 norm is the same in every orthogonal basis; the L1 norm is not.
        guard config.penalty == .elasticNet else { return (x, y) }
        let axes = PrincipalAxes(of: x)
        return (axes(x), axes(y))
    }
}

extension LogisticEvaluation {
    /// Top-1 and top-5 for every λ, as `scores.json` keeps them.
    ///
    /// The seed is that of the intervals; the optimum has none.
    public static func scores(
        train: Features, test: Features, _ config: Config = Config(), seed: UInt64 = 0
    ) throws -> [Score] {
        let results = try run(train: train, test: test, config)
        return Score.pairs(
            "logistic",
            results.map { result in
                (
                    result.testRanks,
                    [
                        "lambda": .number(result.lambda), "lambdaOfSum": .flag(config.lambdaOfSum),
                        "penalty": .text(config.penalty.rawValue),
                        "preparation": .text(config.preparation.rawValue),
                        "testByItself": .flag(config.testByItself),
                        "tolerance": .number(config.tolerance),
                        "maxIterations": .number(Double(config.maxIterations)),
                        "relativeGap": .number(result.fit.relativeGap),
                        "trainTop1": .number(result.train.top1),
                    ]
                )
            }, Bootstrap(seed: seed))
    }
}
