import Synchronization

/// The files of a source, opened when they are first read; the least used are closed again.
///
/// A system allows a program about a thousand open files, and sets have more shards.
final class ShardFiles: Sendable {
    let paths: [String]
    private let stamps: [EntryStamp]
    private let opened = Mutex<[Opened]>([])
    private static let mostOpen = 128

    private struct Opened {
        let number: Int
        let file: ReadableFile
    }

    /// Files by number, with `stamps` of what they were like when their index was made.
    init(_ paths: [String], stamps: [EntryStamp]) {
        (self.paths, self.stamps) = (paths, stamps)
    }

    /// Reads a range of a file into memory that only grows.
    ///
    /// - Throws: `DataError` if the file cannot be read, ends early or was replaced.
    func read(_ number: Int, at offset: Int, count: Int, into bytes: inout [UInt8]) throws {
        let file = try file(number)
        if bytes.count < count { bytes = [UInt8](repeating: 0, count: count) }
        let got = try bytes.withUnsafeMutableBytes {
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: offset)
        }
        guard got == count else { throw file.cut(offset, count) }
    }

    func file(_ number: Int) throws -> ReadableFile {
        let known = opened.withLock { opened -> ReadableFile? in
            guard let place = opened.firstIndex(where: { $0.number == number }) else { return nil }
            // The most recently used stands last.
            let found = opened.remove(at: place)
            opened.append(found)
            return found.file
        }
        if let known { return known }
        let file = try ReadableFile(paths[number])
        let (found, expected) = (file.stamp, stamps[number])
        guard found.size == expected.size, found.modified == expected.modified else {
            throw DataError(
                .malformed, paths[number], "was changed after it was opened",
                remedy: "start again: its index is then made anew")
        }
        opened.withLock { opened in
            if opened.count >= Self.mostOpen { opened.removeFirst() }
            opened.append(Opened(number: number, file: file))
        }
        return file
    }
}
