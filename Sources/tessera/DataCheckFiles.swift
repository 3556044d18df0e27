import Data
import Foundation
import Reports
import TensorFiles

/// What `data check --out name.html` leaves: the page, `name.json` and `name.bad.txt`.
struct DataCheckFiles {
    private let page: AtomicFile
    private let json: AtomicFile
    private let bad: AtomicFile

    var names: [String] { [page, json, bad].map(\.path) }

    /// Opens the files, before the work whose result they are to hold.
    ///
    /// - Throws: `TensorFileError` if one cannot be written.
    init(_ out: String) throws {
        let stem = out.dropLast(".html".count)
        page = try AtomicFile(path: out)
        json = try AtomicFile(path: stem + ".json")
        bad = try AtomicFile(path: stem + ".bad.txt")
    }

    func write(_ result: DataAudit.Result, of audit: DataAudit) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let names = result.bad.map { audit.parts[$0.part].source.name(at: $0.index) + "\n" }
        let contents = [
            Data(try DataCheckReport(result.report, audit).page.html.markup.utf8),
            try encoder.encode(result.report), Data(names.joined().utf8),
        ]
        for (file, content) in zip([page, json, bad], contents) { try file.finish(content) }
    }
}

extension AtomicFile {
    /// Writes everything there is to write.
    func finish(_ content: Data) throws {
        try content.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> Void in
            try write(bytes)
        }
        try commit()
    }
}
