import Foundation
import TensorFiles

/// The rows of features that are done, in a file that grows; what a kill leaves is cut at the journal.
final class EmbeddingRows {
    private let place: EmbeddingPlace
    private(set) var journal: EmbeddingJournal
    private let rows: FileHandle
    private let bad: FileHandle
    /// Written, but perhaps not on disk.
    private(set) var doneCount: Int
    private var badBytes: Int
    private var lastSave = ContinuousClock.now

    /// A picture without features.
    struct BadRow: Codable {
        let row: Int
        let reason: String
    }

    /// Goes on where an earlier command for the same was ended, or begins.
    ///
    /// - Throws: `UsageError` where the unfinished rows are of something else, unless `force`;
    ///   `TensorFileError` where they cannot be written.
    init(_ place: EmbeddingPlace, _ identity: FeatureIdentity, force: Bool) throws {
        let files = FileManager.default
        var found = try EmbeddingJournal.read(place.journal)
        if let old = found, old.identity != identity {
            guard force else {
                throw UsageError(
                    "\(place.unfinished) holds rows of something else: "
                        + identity.difference(from: old.identity)
                        + "; give what it was begun with, another --out, or --force to begin again")
            }
            found = nil
        }
        self.place = place
        journal = found ?? EmbeddingJournal(identity: identity)
        (doneCount, badBytes) = (journal.doneCount, journal.badBytes)
        try Self.naming(place.unfinished, "cannot be made") {
            try files.createDirectory(atPath: place.unfinished, withIntermediateDirectories: true)
        }
        if found == nil {
            try? files.removeItem(atPath: place.journal)
            for path in [place.rows, place.badRows] {
                try Self.naming(path, "cannot be made") {
                    try Foundation.Data().write(to: URL(fileURLWithPath: path))
                }
            }
            try journal.write(to: place.journal)
        }
        rows = try Self.naming(place.rows, "cannot be opened") {
            try FileHandle(forUpdating: URL(fileURLWithPath: place.rows))
        }
        bad = try Self.naming(place.badRows, "cannot be opened") {
            try FileHandle(forUpdating: URL(fileURLWithPath: place.badRows))
        }
        let rowBytes = doneCount * identity.width * 4
        guard try rows.seekToEnd() >= rowBytes, try bad.seekToEnd() >= badBytes else {
            throw UsageError(
                "\(place.unfinished) is damaged: it has fewer rows than its journal says; delete it"
            )
        }
        // What came after the last save may be half a batch.
        try rows.truncate(atOffset: UInt64(rowBytes))
        try bad.truncate(atOffset: UInt64(badBytes))
    }

    /// Runs `body`; its error says which file could not be written, and why in the system's words.
    private static func naming<Result>(
        _ path: String, _ problem: String, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch {
            let cause = error as NSError
            let inner = cause.userInfo[NSUnderlyingErrorKey] as? NSError ?? cause
            let reason =
                inner.domain == NSPOSIXErrorDomain
                ? String(cString: strerror(Int32(inner.code))) : error.localizedDescription
            throw TensorFileError(
                .unwritable, file: path, problem: "\(problem): \(reason)",
                remedy: "make its folder writable, or give another --out")
        }
    }

    /// Adds rows, floats one after another, and says which of them are bad.
    func append(_ floats: UnsafeRawBufferPointer, count: Int, bad badRows: [BadRow]) throws {
        try rows.write(contentsOf: Foundation.Data(floats))
        for row in badRows {
            let line = try JSONEncoder().encode(row) + Foundation.Data("\n".utf8)
            try bad.write(contentsOf: line)
            badBytes += line.count
        }
        doneCount += count
    }

    /// Makes what was appended safe, where `seconds` have passed since the last time.
    func save(every seconds: Double = 0) throws {
        guard (ContinuousClock.now - lastSave) / .seconds(1) >= seconds else { return }
        try rows.synchronize()
        try bad.synchronize()
        (journal.doneCount, journal.badBytes) = (doneCount, badBytes)
        try journal.write(to: place.journal)
        lastSave = .now
    }

    /// The reasons of the bad rows by number.
    func badRows() throws -> [Int: String] {
        try bad.seek(toOffset: 0)
        let text = try bad.readToEnd() ?? Foundation.Data()
        var reasons: [Int: String] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let row = try JSONDecoder().decode(BadRow.self, from: line)
            reasons[row.row] = row.reason
        }
        return reasons
    }

    /// Calls `body` with all rows in pieces.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try rows.seek(toOffset: 0)
        while let piece = try rows.read(upToCount: 8 << 20), !piece.isEmpty {
            try piece.withUnsafeBytes(body)
        }
    }

    /// Removes the unfinished files, once the output is in its place.
    func remove() throws {
        try rows.close()
        try bad.close()
        // First: without it the rest is of nobody, and the output stands alone.
        try FileManager.default.removeItem(atPath: place.journal)
        try FileManager.default.removeItem(atPath: place.unfinished)
    }
}
