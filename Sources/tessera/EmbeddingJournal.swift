import Foundation
import TensorFiles

/// How far the features of a source are, and of what they are.
struct EmbeddingJournal: Codable, Equatable {
    /// Everything that decides what the rows hold.
    struct Identity: Codable, Equatable {
        /// Checksum of the encoder's tensors.
        var weights: String
        /// The model, with what its tensors do not tell.
        var model: String
        /// Of the pictures.
        var source: String
        var rowCount: Int
        var width: Int
        var tokens: String
        var blocks: Int
        var stride: Int
        var finalNorm: Bool
        var precision: String?
        var batchSize: Int
        var imageSize: Int
        /// How pictures become tensors.
        var preparation: String
        var device: String
    }

    var identity: Identity
    /// Rows that are on disk.
    var doneCount = 0
    /// Bytes of the list of bad pictures that belong to them.
    var badBytes = 0

    static func read(_ path: String) throws -> EmbeddingJournal? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let data = try Foundation.Data(contentsOf: URL(fileURLWithPath: path))
        guard let journal = try? JSONDecoder().decode(EmbeddingJournal.self, from: data) else {
            throw UsageError(
                "\(path) cannot be read: delete the folder of it to begin again")
        }
        return journal
    }

    /// Replaces the journal at `path`, whole or not at all.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let file = try AtomicFile(path: path)
        try encoder.encode(self).withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    /// What differs between two identities, in the words of the command line.
    static func difference(_ old: Identity, _ new: Identity) -> String {
        var parts: [String] = []
        func compare(_ name: String, _ a: some Equatable, _ b: some Equatable) {
            if "\(a)" != "\(b)" { parts.append("\(name) (\(a), now \(b))") }
        }
        compare("weights", old.weights, new.weights)
        compare("model", old.model, new.model)
        compare("pictures", old.source, new.source)
        compare("features.tokens", old.tokens, new.tokens)
        compare("features.blocks", old.blocks, new.blocks)
        compare("features.stride", old.stride, new.stride)
        compare("features.finalNorm", old.finalNorm, new.finalNorm)
        compare("features.precision", old.precision ?? "fp32", new.precision ?? "fp32")
        compare("batchSize", old.batchSize, new.batchSize)
        compare("imageSize", old.imageSize, new.imageSize)
        compare("preparation of pictures", old.preparation, new.preparation)
        compare("device", old.device, new.device)
        return parts.isEmpty ? "its size" : parts.joined(separator: ", ")
    }
}
