import ArgumentParser
import Configuration
import Data
import Evaluation
import Foundation
import Training

/// Writes the features of pictures to a file.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Write the features of pictures to a file.",
        discussion: """
            tessera embed --weights runs/mae --data pictures --out features.safetensors
            tessera embed --weights mae.pth --data pictures --out features.npy features.tokens=mean

            Row i is picture i of the source; features.jsonl beside the output says which that is. A \
            picture that cannot be read has a row of NaN. After a kill the same command goes on.

            Settings and their defaults:

            """
                + ((try? EmbeddingSettings.resolve())?.yaml(documented: true) ?? ""))

    @OptionGroup var weights: WeightsOptions

    @Option(help: "A folder of pictures, tar shards, a list, a pack, IDX or CIFAR files.")
    var data: String

    @Option(help: "The file to write: .safetensors or .npy.")
    var out: String

    @Option(help: "Which part, where the folder has parts: train, validation, all.")
    var split: Split = .all

    @Option(help: "Where to compute.")
    var device = DeviceChoice.auto

    @Flag(help: "Replace an existing output, and leave an unfinished one of something else.")
    var force = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    @ArgumentParser.Argument(help: "Settings, such as features.tokens=mean or batchSize=32.")
    var settings: [String] = []

    func run() throws {
        let resolved = try EmbeddingSettings.resolve(overrides: settings)
        var config = resolved.value
        let place = try EmbeddingPlace(out)
        try place.checkOutput(force: force)
        Interruption.install()
        let progress = SourceProgress(silent: json)
        let source = try openSource(data, split: split, options: progress.options)
        for note in source.notes { progress.note(note) }
        let encoder = try weights.load()
        config.features.fit(
            encoder.model, tokensAreStated: resolved.states("features.tokens"))
        let embedding = try Embedding(
            encoder, of: source, config, place, device: device.resolve(), force: force)
        let result = try embedding.run(progress)
        if json {
            try JSONLine.write(result)
        } else {
            print(result.text)
        }
    }
}
