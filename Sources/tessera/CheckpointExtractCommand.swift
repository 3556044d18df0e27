import ArgumentParser
import Foundation
import TensorFiles

/// Takes one model out of a file that holds several.
struct CheckpointExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Take the student, the teacher, an encoder out of a checkpoint.",
        discussion: """
            tessera checkpoint extract checkpoint.pth
            tessera checkpoint extract checkpoint.pth --key teacher --strip-prefix backbone. \
            --without head. --out teacher.safetensors

            The first lists what is inside. module. and _orig_mod., which wrappers put in front of \
            all names, always go.
            """)

    @Argument(help: "The file to read, or the folder of a run for its newest checkpoint.")
    var file: String

    @Option(help: "Which dictionary of tensors; dots lead deeper.")
    var key: String?

    @Option(
        name: .customLong("strip-prefix"),
        help: "Remove this start from the names that have it; may be given several times.")
    var stripped: [String] = []

    @Option(
        help: """
            Leave out tensors whose names, after stripping, start so; may be given several times.
            """)
    var without: [String] = []

    @Option(help: "The .safetensors file to write.")
    var out: String?

    @Flag(help: "Replace the output if it exists.")
    var force = false

    @Flag(help: "One JSON object a line: the dictionaries inside, or what was written.")
    var json = false

    func validate() throws {
        if out == nil {
            let options = [
                ("--key", key != nil), ("--strip-prefix", !stripped.isEmpty),
                ("--without", !without.isEmpty), ("--force", force),
            ]
            if let (name, _) = options.first(where: { $0.1 }) {
                throw ValidationError("\(name) needs --out, the file to write")
            }
        }
        for (name, texts) in [("--strip-prefix", stripped), ("--without", without)]
        where texts.contains("") {
            throw ValidationError("\(name) is empty, expected the start of a name")
        }
    }

    mutating func run() throws {
        if let out, !force, FileManager.default.fileExists(atPath: out) {
            throw UsageError("\(out) exists: give another name, or --force to replace it")
        }
        file = try weightsFile(file)
        let checkpoint = try CheckpointFile(path: file)
        let parts = try checkpoint.stateDictionaries()
        guard let out else { return try list(parts) }
        let part = try CheckpointPart(key, in: checkpoint, parts: parts, path: file)
        let names = try CheckpointRenaming(
            part.tensors.map(\.name), stripped: stripped, without: without, path: file)
        let tensors = zip(names.names, part.tensors).compactMap { name, item in
            name.map { (name: $0, tensor: item.tensor) }
        }
        guard !tensors.isEmpty else {
            throw UsageError("\(file): --without leaves none of \(part.tensors.count) tensors")
        }
        try SafeTensorsWriter.write(
            tensors, to: out, metadata: metadata(checkpoint, part, names))
        let bytes = tensors.reduce(0) { $0 + $1.tensor.byteCount }
        let left = part.tensors.count - tensors.count
        if json {
            try JSONLine.write(
                Written(
                    file: out, key: part.key, tensors: tensors.count, bytes: bytes, leftOut: left,
                    stripped: names.strippedPrefixes))
            return
        }
        let count = tensors.reduce(0) { $0 + $1.tensor.count }
        var text =
            "\(out): \(tensors.count) tensors\(part.key.isEmpty ? "" : " of \(part.key)"), "
            + "\(readableCount(count)) numbers, \(readableBytes(bytes))"
        if !names.strippedPrefixes.isEmpty {
            text += "; without the prefixes " + names.strippedPrefixes.joined(separator: ", ")
        }
        if left > 0 { text += "; \(left) tensors left out" }
        print(text)
    }

    /// What is written into the file about where it is from.
    private func metadata(
        _ checkpoint: CheckpointFile, _ part: CheckpointPart, _ names: CheckpointRenaming
    ) -> [String: String] {
        var metadata = [
            "tessera.source.file": URL(fileURLWithPath: file).lastPathComponent,
            "tessera.source.form": checkpoint.form,
            "tessera.source.key": part.key,
            "tessera.version": Version.text,
        ]
        if !names.strippedPrefixes.isEmpty {
            metadata["tessera.source.stripped"] = names.strippedPrefixes.joined(separator: " ")
        }
        if !without.isEmpty { metadata["tessera.source.without"] = without.joined(separator: " ") }
        switch checkpoint {
        case .pyTorch(let file):
            if let epoch = file.root["epoch"]?.int { metadata["tessera.source.epoch"] = "\(epoch)" }
        case .safeTensors(let file):
            // The configuration in it belongs to the weights.
            for (key, value) in file.metadata where !key.hasPrefix("tessera.") {
                metadata[key] = value
            }
        case .numpy: break
        }
        return metadata
    }

    private func list(_ parts: [StateDictionary]) throws {
        if json {
            for part in parts { try JSONLine.write(Listed(part)) }
            return
        }
        let width = parts.map { max($0.name.count, 14) }.max() ?? 0
        for part in parts {
            let name = part.keys.isEmpty ? "(top of the file)" : part.name.withoutControlCharacters
            print(
                name.padded(to: width) + "  \(part.tensors.count) tensors, "
                    + "\(readableCount(part.elementCount)) numbers, "
                    + readableBytes(part.byteCount)
                    + (part.kind == .optimizer ? ", an optimizer's state" : ""))
        }
        if parts.isEmpty { print("\(file) holds no tensors") }
    }

    private struct Listed: Encodable {
        let key: String
        let kind: String
        let tensors: Int
        let numbers: Int
        let bytes: Int

        init(_ part: StateDictionary) {
            key = part.name
            kind = part.kind == .optimizer ? "optimizer" : "weights"
            (tensors, numbers, bytes) = (part.tensors.count, part.elementCount, part.byteCount)
        }
    }

    private struct Written: Encodable {
        let file: String
        let key: String
        let tensors: Int
        let bytes: Int
        let leftOut: Int
        let stripped: [String]

        private enum CodingKeys: String, CodingKey {
            case file
            case key
            case tensors
            case bytes
            case leftOut = "left_out"
            case stripped
        }
    }
}
