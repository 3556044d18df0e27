import ArgumentParser
import Foundation
import TensorFiles

/// Writes what any form holds as safetensors.
struct CheckpointConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Write the tensors of a checkpoint as safetensors.",
        discussion: """
            tessera checkpoint convert mae_pretrain.pth mae.safetensors --under model
            """)

    @Argument(help: "The file to read, or the folder of a run for its newest checkpoint.")
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

    mutating func run() throws {
        guard force || !FileManager.default.fileExists(atPath: output) else {
            throw UsageError("\(output) exists: give another name, or --force to replace it")
        }
        input = try weightsFile(input)
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
