import ArgumentParser
import Checkpoints
import Foundation
import TensorFiles

/// Shows what a file of weights holds.
struct CheckpointInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show the modules of a checkpoint; works on safetensors, .pth, .pt, .npy.",
        discussion: """
            tessera checkpoint inspect mae_pretrain.pth

            Names are split at their dots; numbered blocks of the same shapes are shown once, \
            as blocks.0-11. The state of an optimizer is summed up in a line. Nothing in the file \
            is executed.
            """)

    @Argument(help: "The file, or the folder of a run for its newest checkpoint.")
    var file: String

    @Flag(help: "Every block, every tensor of optimizers, every argument.")
    var all = false

    @Option(help: "Levels of modules to show; the default is all of them.")
    var depth: Int?

    @Flag(
        help: """
            Mean, standard deviation, minimum, maximum of the finite numbers of every tensor, and \
            how many are NaN or infinite; reads the whole file.
            """)
    var statistics = false

    @Flag(help: "One JSON object a line: name, dtype, shape, and with --statistics those numbers.")
    var json = false

    func validate() throws {
        if let depth, depth < 1 {
            throw ValidationError("--depth is \(depth), expected a number above 0")
        }
        if json, depth != nil {
            throw ValidationError("--depth has no effect with --json, which lists every tensor")
        }
    }

    mutating func run() throws {
        file = try weightsFile(file)
        let checkpoint = try CheckpointFile(path: file)
        if json {
            for (name, tensor) in try checkpoint.tensors() {
                try JSONLine.write(Entry(name, tensor, statistics: statistics))
            }
        } else {
            try printText(checkpoint)
        }
    }

    private func printText(_ checkpoint: CheckpointFile) throws {
        let (tensors, refused) = try checkpoint.scan()
        let parts = try checkpoint.stateDictionaries()
        let count = tensors.reduce(0) { $0 + $1.tensor.count }
        let bytes = tensors.reduce(0) { $0 + $1.tensor.byteCount }
        print(
            "\(file): \(checkpoint.form), \(tensors.count) tensors, \(readableCount(count)) "
                + "numbers, \(readableBytes(bytes))")
        for line in CheckpointSummary(try CheckpointSource(checkpoint, path: file)).lines {
            print("  " + line.withoutControlCharacters)
        }
        let unfolds = all || statistics
        let shown: [(name: String, tensor: TensorRecord)] =
            unfolds
            ? tensors
            : parts.filter { $0.kind == .weights }.flatMap { part in
                part.tensors.map { (name: part.prefix + $0.name, tensor: $0.tensor) }
            }
        let text = CheckpointTreeText(depth: depth, hasStatistics: statistics)
        for line in text.lines(CheckpointTree(shown, isFolded: !unfolds)) { print(line) }
        for (name, reason) in refused {
            print("  \(name.withoutControlCharacters)  not read: a tensor that \(reason)")
        }
        let contents = CheckpointContents(checkpoint, parts: parts, isWhole: all)
        for line in contents.lines { print("  " + line) }
    }

    /// A tensor as JSON.
    private struct Entry: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        var mean: Double?
        var std: Double?
        var min: Double?
        var max: Double?
        var nan: Int?
        var inf: Int?

        init(_ name: String, _ tensor: TensorRecord, statistics: Bool) {
            self.name = name
            dtype = tensor.elementType.torchName
            shape = tensor.shape
            guard statistics else { return }
            let facts = TensorStatistics(tensor)
            (mean, std, min, max) = (facts.mean, facts.standardDeviation, facts.min, facts.max)
            (nan, inf) = (facts.nanCount, facts.infinityCount)
        }
    }
}
