import Foundation

/// What `--json` prints: one object a line on standard output, and nothing else there.
enum JSONLine {
    static func write(_ object: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        write(line: String(decoding: try encoder.encode(object), as: UTF8.self))
    }

    /// Writes an object that is text already; who reads a pipe has it at once.
    static func write(line: String) {
        print(line)
        fflush(nil)
    }
}
