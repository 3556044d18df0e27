import Data
import Foundation

/// `bad_files.jsonl`: the pictures that could not be read, one JSON object each.
///
/// A picture is listed once however many epochs meet it.
final class BadFileLog {
    private let url: URL
    private var seen: Set<String> = []
    private var isLastLineCut: Bool

    init(_ url: URL) {
        self.url = url
        let text = String(decoding: (try? Data(contentsOf: url)) ?? Data(), as: UTF8.self)
        isLastLineCut = !text.isEmpty && !text.hasSuffix("\n")
        for line in text.split(separator: "\n") {
            if let object = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) {
                seen.insert(object.file)
            }
        }
    }

    private struct Entry: Codable {
        let file: String
        let reason: String
    }

    /// Whether the file was not listed before.
    @discardableResult
    func append(_ bad: BadFile) -> Bool {
        guard seen.insert(bad.name).inserted else { return false }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(Entry(file: bad.name, reason: bad.reason)) else {
            return false
        }
        if !FileManager.default.fileExists(atPath: url.path) {
            _ = FileManager.default.createFile(atPath: url.path, contents: nil)
        }
        // A full disk must not end the run for the sake of this list.
        if let handle = try? FileHandle(forWritingTo: url) {
            defer { try? handle.close() }
            _ = try? handle.seekToEnd()
            let start = Data((isLastLineCut ? "\n" : "").utf8)
            try? handle.write(contentsOf: start + line + Data("\n".utf8))
            isLastLineCut = false
        }
        return true
    }
}
