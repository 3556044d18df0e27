import Data
import Foundation
import TensorFiles

/// Writes features, labels and the list of rows, each file whole or not at all.
struct EmbeddingOutput {
    let place: EmbeddingPlace
    let source: any ImageSource
    let rows: EmbeddingRows
    let shape: [Int]
    /// Why rows have no features, by number.
    let bad: [Int: String]

    /// The list comes first: where the features are, they are complete.
    func write(_ metadata: [String: String]) throws {
        try writeList()
        switch place.form {
        case .safetensors: try writeSafeTensors(metadata)
        case .npy: try writeNumpy()
        }
    }

    private struct Row: Encodable {
        let row: Int
        let picture: String
        let label: Int?
        let `class`: String?
        let error: String?
    }

    private func writeList() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let file = try AtomicFile(path: place.list)
        var text = Foundation.Data()
        for index in 0..<source.count {
            let label = source.label(at: index)
            let name = label.flatMap { label in
                source.classNames.indices.contains(label) ? source.classNames[label] : nil
            }
            text += try encoder.encode(
                Row(
                    row: index, picture: source.name(at: index), label: label, class: name,
                    error: bad[index]))
            text += Foundation.Data("\n".utf8)
            if text.count > 1 << 20 || index == source.count - 1 {
                try text.withUnsafeBytes { try file.write($0) }
                text.removeAll(keepingCapacity: true)
            }
        }
        try file.commit()
    }

    private func writeSafeTensors(_ metadata: [String: String]) throws {
        var metadata = metadata
        var entries = [
            SafeTensorsWriter.Entry(name: "features", elementType: .float32, shape: shape),
            SafeTensorsWriter.Entry(name: "valid", elementType: .bool, shape: [source.count]),
        ]
        if source.isLabelled {
            entries.append(.init(name: "labels", elementType: .int64, shape: [source.count]))
            let names = try JSONEncoder().encode(source.classNames)
            metadata["tessera.classNames"] = String(decoding: names, as: UTF8.self)
        }
        let writer = try SafeTensorsWriter(
            path: place.output, entries: entries, metadata: metadata)
        for entry in writer.entries {
            switch entry.name {
            case "features": try rows.forEachPiece { try writer.append($0) }
            case "labels":
                try forEachChunk { chunk in
                    let labels = chunk.map { Int64(source.label(at: $0) ?? -1).littleEndian }
                    try labels.withUnsafeBytes { try writer.append($0) }
                }
            default:
                try forEachChunk { chunk in
                    let valid = chunk.map { UInt8(bad[$0] == nil ? 1 : 0) }
                    try valid.withUnsafeBytes { try writer.append($0) }
                }
            }
        }
        try writer.finish()
    }

    private func forEachChunk(_ body: (Range<Int>) throws -> Void) rethrows {
        for start in stride(from: 0, to: source.count, by: 1 << 16) {
            try body(start..<min(start + 1 << 16, source.count))
        }
    }

    private func writeNumpy() throws {
        let file = try AtomicFile(path: place.output)
        try NumpyHeader.bytes(.float32, shape: shape).withUnsafeBytes { try file.write($0) }
        try rows.forEachPiece { try file.write($0) }
        try file.commit()
    }
}
