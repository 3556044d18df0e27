import ArgumentParser
import Foundation
import NN
import TensorFiles

/// Looks into files of weights and converts them; nothing in a file is ever executed.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Look into files of weights, and convert them.",
        subcommands: [Inspect.self, Convert.self])

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "inspect",
            abstract: "List what a checkpoint holds; works on safetensors, .pth, .pt, .npy.")

        @Argument(help: "The file.")
        var file: String

        @Flag(help: "One JSON object a line: name, dtype, shape.")
        var json = false

        func run() throws {
            let checkpoint = try CheckpointFile(path: file)
            let tensors = try checkpoint.tensors()
            if json {
                for (name, tensor) in tensors {
                    try JSONLine.write(
                        Entry(
                            name: name, dtype: tensor.elementType.torchName, shape: tensor.shape))
                }
                return
            }
            let count = tensors.reduce(0) { $0 + $1.tensor.count }
            let bytes = tensors.reduce(0) { $0 + $1.tensor.byteCount }
            print(
                "\(file): \(checkpoint.form), \(tensors.count) tensors, \(readableCount(count)) "
                    + "numbers, \(readableBytes(bytes))")
            let width = tensors.map(\.name.count).max() ?? 0
            for (name, tensor) in tensors {
                let padded = name.padding(toLength: width, withPad: " ", startingAt: 0)
                print("  \(padded)  \(tensor)")
            }
            printOtherContents(of: checkpoint)
        }

        private struct Entry: Encodable {
            let name: String
            let dtype: String
            let shape: [Int]
        }

        /// Everything that is no tensor: epochs, arguments, schedulers.
        private func printOtherContents(of checkpoint: CheckpointFile) {
            switch checkpoint {
            case .safeTensors(let file):
                for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
                    print("  \(key) = \(value)")
                }
            case .pyTorch(let file):
                for (name, value) in file.root.children where value.tensor == nil {
                    print("  \(name) = \(value)")
                }
            case .numpy: break
            }
        }
    }

    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert", abstract: "Write the tensors of a checkpoint as safetensors.",
            discussion: """
                tessera checkpoint convert mae_pretrain.pth mae.safetensors --under model
                """)

        @Argument(help: "The file to read.")
        var input: String

        @Argument(help: "The .safetensors file to write.")
        var output: String

        @Option(help: "Only the tensors under this entry, such as model; dots lead deeper.")
        var under: String?

        @Flag(help: "Replace the output if it exists.")
        var force = false

        @Flag(help: "Print one JSON object: file, tensors, bytes.")
        var json = false

        private struct Written: Encodable {
            let file: String
            let tensors: Int
            let bytes: Int
        }

        func run() throws {
            guard force || !FileManager.default.fileExists(atPath: output) else {
                throw UsageError("\(output) exists: give another name, or --force to replace it")
            }
            let checkpoint = try CheckpointFile(path: input)
            let keys = under?.split(separator: ".").map(String.init) ?? []
            let tensors = try checkpoint.tensors(under: keys)
            guard !tensors.isEmpty else {
                throw UsageError("\(input) holds no tensors\(under.map { " under \($0)" } ?? "")")
            }
            try SafeTensorsWriter.write(tensors, to: output)
            if json {
                let bytes = tensors.reduce(0) { $0 + $1.tensor.byteCount }
                try JSONLine.write(Written(file: output, tensors: tensors.count, bytes: bytes))
            } else {
                print("\(output): \(tensors.count) tensors")
            }
        }
    }
}

/// A size for people: `1.2 GB`.
func readableBytes(_ bytes: Int) -> String {
    switch bytes {
    case 1_000_000_000...: String(format: "%.2f GB", Double(bytes) / 1e9)
    case 1_000_000...: String(format: "%.1f MB", Double(bytes) / 1e6)
    default: "\(bytes) bytes"
    }
}
