import ArgumentParser
import Evaluation

extension EvaluateCommand {
    struct Sweep: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sweep",
            abstract: "Linear classifiers at 45 learning rates, trained at once (iBOT, DINO).",
            discussion: """
                A single one is protocol.learningRates=[0.01]. Small ViTs are scored by the class \
                tokens of their last four blocks, features.blocks=4; larger ones by class token \
                and mean of the last, features.tokens=clsAndMean; Swin by the means of four, \
                features.tokens=mean features.blocks=4.

                \(protocolHelp(LinearSweep.Config.self))
                """)

        @OptionGroup var options: Options

        func run() throws {
            try options.evaluate(LinearSweep.Config.self) { data, settings in
                let (train, test) = try data.probeFeatures(settings.features)
                return try LinearSweep.scores(
                    train: train, test: test, settings.protocol,
                    store: data.probeStore(settings.features, settings.protocol)
                ) {
                    data.sayEpoch($0, of: settings.protocol.epochs)
                }
            }
        }
    }
}
