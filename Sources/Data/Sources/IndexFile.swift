import Foundation
import TensorFiles
import Torch

/// A binary file that saves reading a data set again: checked, versioned, never trusted.
///
/// Layout, little-endian: eight bytes `TSRINDEX`, version and kind (32 bits each), size of the
/// payload (64 bits), its CRC-32, 32 zero bits; the payload.
enum IndexFile {
    enum Kind: UInt32 {
        case folder = 1
        case shards = 2
        case pack = 3

        var remedy: String {
            self == .pack ? "copy the pack again, or pack again" : "it is made again"
        }
    }

    /// Raised whenever the layout of a payload changes.
    static let version: UInt32 = 1
    static let headerSize = 32
    /// An index of 100 million pictures is smaller.
    static let largest = 1 << 34
    private static let magic = Array("TSRINDEX".utf8)

    static func write(_ payload: [UInt8], _ kind: Kind, to path: String) throws {
        var header = IndexWriter()
        header.append(raw: magic)
        header.append(version)
        header.append(kind.rawValue)
        header.append(payload.count)
        header.append(checksum(payload[...]))
        header.append(UInt32(0))
        let file = try AtomicFile(path: path)
        try header.bytes.withUnsafeBytes { try file.write($0) }
        try payload.withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    /// The payload of a file of this kind.
    ///
    /// - Throws: `DataError` if there is no such file, or what it holds is not what was written.
    static func read(_ kind: Kind, from path: String) throws -> IndexReader {
        let file = try ReadableFile(path)
        guard file.size >= headerSize, file.size <= largest else {
            throw damage(path, kind, "has \(file.size) bytes")
        }
        let bytes = try file.bytes(at: 0, count: file.size)
        return try read(kind, bytes: bytes, name: path)
    }

    static func read(_ kind: Kind, bytes: [UInt8], name: String) throws -> IndexReader {
        var header = IndexReader(bytes: bytes, name: name, kind: kind)
        guard bytes.count >= headerSize, try header.raw(8) == magic else {
            throw damage(name, kind, "does not start as an index")
        }
        guard try header.number(UInt32.self) == version else {
            throw damage(name, kind, "was written by another version")
        }
        guard try header.number(UInt32.self) == kind.rawValue else {
            throw damage(name, kind, "is an index of another kind")
        }
        guard try header.integer() == bytes.count - headerSize else {
            throw damage(name, kind, "has \(bytes.count) bytes, its header says otherwise")
        }
        guard try header.number(UInt32.self) == checksum(bytes[headerSize...]) else {
            throw damage(name, kind, "has a wrong checksum")
        }
        header.skip(to: headerSize)
        return header
    }

    static func damage(_ path: String, _ kind: Kind, _ problem: String) -> DataError {
        DataError(.malformed, path, problem, remedy: kind.remedy)
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sum = Checksum()
        bytes.withUnsafeBytes { sum.update($0) }
        return sum.value
    }
}

/// Where indexes of data sets are kept between starts.
struct IndexCache {
    let folder: String

    init(_ options: SourceOptions) {
        folder = options.indexFolder ?? LibTorch.cacheFolder + "/index"
    }

    /// A file for each data set: one path, or several, with what else decides on its contents.
    func path(_ kind: IndexFile.Kind, key: [String]) -> String {
        var print = Fingerprint("\(kind)")
        print.add(key)
        return "\(folder)/\(kind)-\(print.digits).index"
    }

    /// The payload kept under `key`, nil without one, and a note where what was there is unusable.
    func load<Index>(
        _ kind: IndexFile.Kind, key: [String], _ decode: (inout IndexReader) throws -> Index
    ) -> (index: Index?, note: String?) {
        let path = path(kind, key: key)
        do {
            var reader = try IndexFile.read(kind, from: path)
            // Two keys may have the same name of file.
            guard try reader.texts() == key else { return (nil, nil) }
            let index = try decode(&reader)
            try reader.expectEnd()
            return (index, nil)
        } catch let error as DataError where error.kind == .missing {
            return (nil, nil)
        } catch {
            return (nil, "the kept index was made again: \(error)")
        }
    }

    /// Keeps a payload; a note where that fails, which costs time at the next start and no more.
    func store(
        _ kind: IndexFile.Kind, key: [String], _ encode: (inout IndexWriter) -> Void
    ) -> String? {
        var writer = IndexWriter()
        writer.append(key)
        encode(&writer)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try IndexFile.write(writer.bytes, kind, to: path(kind, key: key))
            return nil
        } catch {
            return "the index cannot be kept for the next start: \(error)"
        }
    }
}
