import ArgumentParser
import Checkpoints
import Configuration
import Data
import Evaluation
import Foundation
import Torch
import Training

extension EvaluateCommand {
    /// Scores classifiers with their heads.
    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "validate", abstract: "Top-1 and top-5 of fine-tuned classifiers.",
            discussion: """
                tessera evaluate validate --weights finetuned.pth --data imagenet
                tessera evaluate validate --weights checkpoints/ --data imagenet --results-file all.csv

                --weights may be given several times, be a folder of checkpoints, or a text file with a \
                path on each line. Several models, and --retry, run in processes of their own.

                Settings and their defaults:

                """
                    + ((try? ValidationSettings.resolve())?.yaml(documented: true) ?? ""))

        @Option(help: "A checkpoint, a folder of them, or a .txt with a path on each line.")
        var weights: [String]

        @Option(help: "Which weights of files that hold several, such as model.")
        var part: String?

        @Flag(help: "Take the average of the weights, where a file has one.")
        var useEma = false

        @Flag(help: "Go on with models of which tensors are missing or not understood.")
        var allowPartial = false

        @Option(help: "Labelled pictures.")
        var data: String

        @Option(help: "Which part, where the folder has parts: train, validation, all.")
        var split: Split = .validation

        @Option(help: "JSON with the right classes of each picture, by its number.")
        var realLabels: String?

        @Option(help: "A text with a class number on each line: only these take part.")
        var validLabels: String?

        @Option(help: "Write the results to this file too.")
        var resultsFile: String?

        @Option(help: "csv or json; by default what the file's ending says, else csv.")
        var resultsFormat: String?

        @Flag(help: "Halve the batch where memory runs out, and try again.")
        var retry = false

        @Option(help: "Where to compute.")
        var device = DeviceChoice.auto

        @Flag(help: "Print the results as JSON, one object a line.")
        var json = false

        @ArgumentParser.Argument(help: "Settings, such as cropPercent=1 or batchSize=64.")
        var settings: [String] = []

        func run() throws {
            let settings = try ValidationSettings.resolve(overrides: settings).value
            let form = try resultsForm()
            let files = try ModelList.files(weights)
            let results: [ValidationResult]
            if files.count == 1, !retry {
                results = [try validate(files[0], settings)]
            } else {
                results = ValidationResult.sorted(
                    try files.map { try inOwnProcess($0, settings) })
            }
            if json {
                for result in results { try JSONLine.write(result) }
            } else {
                print("   top-1     top-5  model")
                for result in results { print(result.text) }
            }
            if let resultsFile {
                try ValidationResult.write(results, to: resultsFile, as: form)
            }
            if results.contains(where: { $0.error != nil }) {
                throw ExitCode(ExitStatus.badData.rawValue)
            }
        }

        private func resultsForm() throws -> ValidationResult.Form {
            let ending = URL(fileURLWithPath: resultsFile ?? "").pathExtension
            let name = resultsFormat ?? (ending == "json" ? ending : "csv")
            guard let form = ValidationResult.Form(rawValue: name) else {
                throw UsageError("--results-format is '\(name)', expected csv or json")
            }
            return form
        }

        private func validate(
            _ file: String, _ settings: ValidationSettings
        ) throws -> ValidationResult {
            let progress = SourceProgress(silent: json)
            let source = try openSource(data, split: split, options: progress.options)
            for note in source.notes { progress.note(note) }
            guard source.isLabelled || realLabels != nil else {
                throw UsageError("the pictures in \(data) have no labels")
            }
            let real = try realLabels.map { try RealLabels(contentsOf: $0) }
            let valid = try validLabels.map { try ModelList.numbers($0) }
            try LibTorch.load()
            let validation = Validation(
                settings: settings, source: source, path: data, real: real, validLabels: valid,
                device: try device.resolve(),
                weights: CheckpointLoader.Options(
                    part: part, prefersAverage: useEma, heads: settings.heads,
                    allowPartial: allowPartial))
            return try validation.result(file, progress)
        }

        /// A failure of one model, or of its memory, must not end the others.
        private func inOwnProcess(
            _ file: String, _ settings: ValidationSettings
        ) throws -> ValidationResult {
            var batchSize = settings.batchSize
            while true {
                let end = try ModelProcess.run(arguments(file, batchSize: batchSize))
                if let result = end.result { return result }
                if end.ranOutOfMemory, retry, let smaller = BatchDecay.next(after: batchSize) {
                    say("\(file): out of memory with batches of \(batchSize), trying \(smaller)")
                    batchSize = smaller
                    continue
                }
                var result = ValidationResult(model: file)
                result.batchSize = batchSize
                result.error = end.message
                return result
            }
        }

        private func arguments(_ file: String, batchSize: Int) -> [String] {
            var all = ["evaluate", "validate", "--weights", file, "--data", data, "--json"]
            all += ["--split", split.rawValue, "--device", device.rawValue]
            if let realLabels { all += ["--real-labels", realLabels] }
            if let validLabels { all += ["--valid-labels", validLabels] }
            if let part { all += ["--part", part] }
            if useEma { all.append("--use-ema") }
            if allowPartial { all.append("--allow-partial") }
            return all + settings.filter { !$0.hasPrefix("batchSize=") }
                + ["batchSize=\(batchSize)"]
        }

        private func say(_ text: String) {
            FileHandle.standardError.write(Foundation.Data((text + "\n").utf8))
        }
    }
}
