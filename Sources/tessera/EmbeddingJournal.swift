import Foundation
import TensorFiles

/// How far the features of a source are, and of what they are.
struct EmbeddingJournal: Codable, Equatable {
    var identity: FeatureIdentity
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
}
