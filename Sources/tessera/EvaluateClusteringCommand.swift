import ArgumentParser
import Configuration
import Evaluation

extension EvaluateCommand {
    struct Clustering: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clustering",
            abstract: "Classes that nobody named: NMI, ARI, FMI, accuracy of clusters (iBOT).",
            discussion: """
                Test pictures are clustered by k-means of their features, and by the prototypes \
                of the head where the weights have one: a run or a file of DINO or iBOT.

                \(protocolHelp(ClusteringEvaluation.Config.self))
                """)

        @OptionGroup var options: Options

        func run() throws {
            let (encoder, data, config) = try options.open(
                EvaluationSettings<ClusteringEvaluation.Config>.self)
            let card = ProtocolCard(encoder, config.pictures, data: options.data)
            let head = try PrototypeHead.load(for: encoder)
            let forms = [config.features] + (head.map { [$0.features] } ?? [])
            let test = try data.testFeatures(forms)
            var scores = try ClusteringEvaluation.scores(test: test[0], config.protocol)
                .map { card.completing($0, config.features) }
            if let head {
                scores += try head.scores(test[1]).map { card.completing($0, head.features) }
            }
            try ScoreSheet.show(scores, json: options.json)
            try options.keep(scores, of: encoder)
        }
    }
}
