import Evaluation
import Foundation
import Training
import VisionModels

/// k-NN, linear sweep, logistic regression and clustering of one pass over the pictures.
struct WholeEvaluation {
    private let encoder: PretrainedEncoder
    private let data: EvaluationData
    private let config: EvaluateAllSettings
    private let card: ProtocolCard
    private let head: PrototypeHead?

    init(
        _ encoder: PretrainedEncoder, _ data: EvaluationData, _ config: EvaluateAllSettings,
        name: String
    ) throws {
        (self.encoder, self.data, self.config) = (encoder, data, config)
        card = ProtocolCard(encoder, config.pictures, data: name)
        head = try PrototypeHead.load(for: encoder)
    }

    /// The kinds of features that k-NN is scored on; the first is what logistic regression and k-means see.
    private var forms: [FeatureExtractor.Config] {
        var (token, mean) = (form(.cls, 1), form(.mean, 1))
        token.finalNorm = true
        mean.finalNorm = config.meanNorm
        return encoder.model.hasClassToken ? [token, mean] : [mean]
    }

    /// What linear classifiers see, as iBOT's are shown it.
    private var linearForm: FeatureExtractor.Config {
        let isSmall = encoder.model.width <= 384
        let four = min(4, encoder.model.blockCount)
        let tokens: FeatureExtractor.TokenChoice =
            config.tokens
            ?? (!encoder.model.hasClassToken ? .mean : isSmall ? .cls : .clsAndMean)
        var form = form(tokens, config.blocks ?? (tokens == .clsAndMean ? 1 : four))
        if tokens == .mean { form.finalNorm = config.meanNorm }
        return form
    }

    private func form(_ tokens: FeatureExtractor.TokenChoice, _ blocks: Int)
        -> FeatureExtractor.Config
    {
        var form = FeatureExtractor.Config()
        (form.tokens, form.blocks, form.precision) = (tokens, blocks, config.precision)
        return form
    }

    /// All scores with the cards of their protocols, the linear ones last.
    func scores() throws -> [Score] {
        var headForm = head?.features
        headForm?.precision = config.precision
        var kinds = forms + [linearForm]
        if let headForm { kinds.append(headForm) }
        var found: [FeatureExtractor.Config: (train: Features, test: Features)] = [:]
        let distinct = kinds.enumerated().filter { kinds.firstIndex(of: $1) == $0 }.map(\.element)
        for (kind, features) in zip(distinct, try data.features(distinct)) {
            found[kind] = features
        }
        func features(_ kind: FeatureExtractor.Config) -> (train: Features, test: Features) {
            guard let features = found[kind] else { fatalError("features that were not made") }
            return features
        }
        var scores: [Score] = []
        for kind in forms {
            let (train, test) = features(kind)
            data.note("k-NN of \(kind.tokens.rawValue)")
            scores += try KNearestNeighbors.scores(
                train: train, test: test, neighbors(train.count), seed: config.seed
            ).map { card.completing($0, kind) }
        }
        let first = features(forms[0])
        data.note("clustering of \(first.test.count) features of \(first.test.width) numbers")
        scores += try ClusteringEvaluation.scores(
            test: first.test, config.clustering, seed: config.seed
        ).map { card.completing($0, forms[0]) }
        if let head, let headForm {
            scores += try head.scores(features(headForm).test, seed: config.seed)
                .map { card.completing($0, headForm) }
        }
        data.note("logistic regression, \(config.logistic.lambdas.count) λ")
        scores += try LogisticEvaluation.scores(
            train: first.train, test: first.test, config.logistic, seed: config.seed
        ).map { card.completing($0, forms[0]) }
        data.noteUnfinished(scores)
        let linear = features(linearForm)
        scores += try LinearSweep.scores(
            train: linear.train, test: linear.test, config.sweep, seed: config.seed
        ) { data.sayEpoch($0, of: config.sweep.epochs) }
        .map { card.completing($0, linearForm) }
        return scores
    }

    /// The settings of k-NN without more neighbours than there are features.
    private func neighbors(_ count: Int) throws -> KNearestNeighbors.Config {
        var settings = config.knn
        let tooMany = settings.neighbors.filter { $0 > count }
        guard !tooMany.isEmpty, tooMany.count < settings.neighbors.count else { return settings }
        data.note(
            "k = \(tooMany.map { "\($0)" }.joined(separator: ", ")) left out: there are "
                + "\(count) training features")
        settings.neighbors.removeAll { $0 > count }
        return settings
    }

    /// The scores as lines, each with its card; what all have in common first.
    func table(_ scores: [Score]) -> String {
        guard let first = scores.first else { return "" }
        var lines = ProtocolCard.commonKeys.compactMap { key in
            first.settings[key].map {
                key.padding(toLength: 14, withPad: " ", startingAt: 0) + $0.text
            }
        }
        lines.append("")
        for score in scores where score.metric != "top5" {
            let line = ScoreSheet.line(score)
            lines.append(
                line.padding(toLength: max(50, line.count), withPad: " ", startingAt: 0) + "  "
                    + ProtocolCard.text(score))
        }
        lines.append("")
        lines.append("in percent, with intervals of confidence of 95 %")
        return lines.joined(separator: "\n")
    }
}
