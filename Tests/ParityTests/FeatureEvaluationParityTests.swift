import TestSupport
import Testing
import Torch

@testable import Evaluation

@Suite("Scores of features equal to iBOT's and StoP's") struct FeatureEvaluationParityTests {
    @Test("weighted k-NN", arguments: ParityTable.cases("ibot", "knn"))
    func neighbors(item: ParityCase) throws {
        var config = KNearestNeighbors.Config()
        config.neighbors = try item.config.array("k").map { try $0.int }
        config.temperature = try item.config.double("T")
        let train = try features(item, "in/train_features", "in/train_labels")
        let test = try features(item, "in/test_features", "in/test_labels")
        let classifier = try KNearestNeighbors(train, config)
        let close = Tolerance(atol: 1e-5, rtol: 1e-5)
        for (k, accuracy) in try classifier.evaluate(test) {
            item.compare(
                "out/top1_top5_k\(k)",
                Tensor([Float(accuracy.top1), Float(accuracy.top5)]), tolerance: .relative(1e-6))
        }
        let k = try #require(config.neighbors.max())
        let found = classifier.neighbors(of: test.values, k)
        item.compare("out/topk_idx\(k)", found.indices)
        item.compare("out/topk_sim\(k)", found.similarities, tolerance: close)
        let votes = classifier.votes(
            for: test.values, classCount: try item.config.int("num_classes"))
        let index = try #require(config.neighbors.firstIndex(of: k))
        item.compare(
            "out/votes_k\(k)", votes[index].to(dtype: .float32),
            tolerance: Tolerance(atol: 1e-3, rtol: 1e-5))
        item.finish()
    }

    private func features(_ item: ParityCase, _ values: String, _ labels: String) throws
        -> Features
    {
        Features(values: try item.tensor(values), labels: try item.tensor(labels).values())
    }

    @Test("logistic regression", arguments: ParityTable.cases("ibot", "logistic_regression"))
    func logistic(item: ParityCase) throws {
        let labels = try item.tensor("in/y")
        let problem = LogisticRegression(
            try item.tensor("in/x"), labels: labels,
            classCount: Int(labels.max().item) + 1)
        var start: Tensor?
        for lambda in try item.config.array("lambdas").map({ try $0.double }).sorted(by: >) {
            let fit = problem.fitL2(lambda, from: start, tolerance: 1e-12)
            start = fit.weights
            #expect(fit.relativeGap <= 1e-12)
            let weights = fit.weights.to(dtype: .float32)
            item.compare(
                "out/W_lambda\(lambda)", weights, tolerance: Tolerance(atol: 1e-5, rtol: 1e-5))
            item.compare(
                "out/obj_lambda\(lambda)", Tensor(scalar: Float(fit.objective)),
                tolerance: .relative(1e-6))
            let scores = LogisticRegression.scores(try item.tensor("in/xt"), fit.weights)
            let accuracy = Accuracy(scores: scores, labels: try item.tensor("in/yt"))
            item.compare(
                "out/acc_lambda\(lambda)", Tensor(scalar: Float(accuracy.top1 / 100)),
                tolerance: .relative(1e-6))
            // What the reference's own solver reached.
            if try item.contains("out/cyanure_W_lambda\(lambda)") {
                item.compare(
                    "out/cyanure_W_lambda\(lambda)", weights, tolerance: .absolute(1e-3))
            }
        }
        item.finish()
    }

    @Test(
        "logistic regression of StoP, both penalties",
        arguments: ParityTable.cases("stop", "stop_logistic_optimum"))
    func stop(item: ParityCase) throws {
        let train = try features(item, "in/train_embs", "in/train_labels")
        let test = try features(item, "in/test_embs", "in/test_labels")
        let standardized = Standardization(of: train.values)(train.values)
        item.compare("out/train_standardised", standardized.to(dtype: .float32))
        item.compare(
            "out/test_standardised",
            Standardization(of: test.values)(test.values).to(dtype: .float32))
        item.compare(
            "out/pca_eigenvalues",
            PrincipalAxes(of: standardized).eigenvalues.to(dtype: .float32))

        var counts = ["l2": 0, "elastic-net": 0]
        for row in try item.config.array("results") {
            let penalty = try row.string("penalty")
            let number = counts[penalty, default: 0]
            counts[penalty] = number + 1
            var config = LogisticEvaluation.Config()
            config.penalty = penalty == "l2" ? .l2 : .elasticNet
            config.lambdas = [try row.double("lambd")]
            config.tolerance = 1e-11
            let results = try LogisticEvaluation.run(train: train, test: test, config)
            let result = try #require(results.first)
            let objective = try row.double("objective")
            #expect(abs(result.fit.objective - objective) <= 1e-6 * objective)
            #expect(result.fit.relativeGap <= 1e-11)
            #expect(abs(result.train.top1 / 100 - (try row.double("train_acc"))) < 1e-9)
            #expect(abs(result.test.top1 / 100 - (try row.double("test_acc"))) < 1e-9)
            let (_, tested) = LogisticEvaluation.prepare(
                train: train.values, test: test.values, config)
            let scores = LogisticRegression.scores(tested, result.fit.weights)
                .to(dtype: .float32)
            let weights = result.fit.weights.transposed().to(dtype: .float32)
            let close = Tolerance.ofMaximum(1e-3)
            if penalty == "l2" {
                item.compare("out/l2_\(number)_W", weights, tolerance: close)
                item.compare("out/l2_\(number)_logits_test", scores, tolerance: close)
            } else {
                // The signs of principal axes are not determined.
                item.compare(
                    "out/en_\(number)_absW_rotated", weights.abs(), tolerance: close)
                item.compare("out/en_\(number)_logits_test", scores, tolerance: close)
                #expect(
                    Int((weights .== 0).select(.zeros([]), else: .ones([])).sum().item)
                        == (try row.int("nonzeros")))
            }
        }
        item.finish()
    }
}
