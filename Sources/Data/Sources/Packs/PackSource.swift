import Foundation
import Imaging
import TensorFiles

/// The pictures of a Tessera pack: a folder of tar shards and an index with their places.
///
/// Reading a picture is one read at a known place, and its checksum is checked.
public struct PackSource: ImageSource {
    public let path: String
    public let parts: [SourcePart]
    private let index: PackIndex
    private let files: ShardFiles
    private let checksChecksums: Bool
    private let maxFileBytes: Int

    /// Whether a folder holds the index of a pack, which is written last.
    public static func isPack(_ folder: String) -> Bool {
        FileStatus("\(folder)/\(PackIndex.fileName)")?.isRegularFile == true
    }

    /// Opens a pack.
    ///
    /// - Parameters:
    ///   - path: the folder of the index.
    ///   - split: must be the pack's own, or `.all`.
    ///   - options: limits; a pack needs no index of its own.
    ///   - checksChecksums: false saves the time of a CRC-32 for each picture.
    /// - Throws: `DataError` if the index is damaged, a shard is missing or has another size, or the
    ///   pack is of another split.
    public init(
        _ path: String, split: Split = .all, options: SourceOptions = SourceOptions(),
        checksChecksums: Bool = true
    ) throws {
        self.path = path
        self.checksChecksums = checksChecksums
        maxFileBytes = options.limits.maxFileBytes
        let index = try PackIndex(readingFrom: path)
        guard split == .all || index.split == .all || index.split == split else {
            throw DataError(
                .missing, path, "is a pack of the \(index.split.rawValue) pictures",
                remedy: "name the pack of the \(split.rawValue) pictures, or the folder of both")
        }
        guard split != .validation || index.split == .validation else {
            throw split.missing(in: path, "folder")
        }
        guard index.count > 0 else {
            throw DataError(.empty, path, "is a pack without pictures", remedy: "pack it again")
        }
        let stamps = try index.shards.map { shard in
            let file = try ReadableFile("\(path)/\(shard.name)")
            guard file.size == shard.size else {
                throw DataError(
                    .malformed, file.path, "has \(file.size) bytes, the index says \(shard.size)",
                    remedy: "copy the shard again, or pack again")
            }
            return file.stamp
        }
        files = ShardFiles(index.shards.map { "\(path)/\($0.name)" }, stamps: stamps)
        parts = index.shards.indices.map {
            SourcePart(index.shards[$0].name, index.pictures(in: $0))
        }
        self.index = index
    }

    public var count: Int { index.count }

    public var classNames: [String] { index.classNames }

    public func label(at index: Int) -> Int? {
        isLabelled ? Int(self.index.labels[index]) : nil
    }

    /// The pack's path and the name in the source that was packed.
    public func name(at index: Int) -> String { "\(path)/\(self.index.names[index])" }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        let shard = parts.partition { $0.range.upperBound > index }
        let size = self.index.sizes[index]
        guard size <= maxFileBytes else {
            throw ImageError(
                .tooLarge, name: name(at: index),
                reason: "\(size) bytes, more than the limit of \(maxFileBytes)")
        }
        try files.read(shard, at: self.index.offsets[index], count: size, into: &picture.bytes)
        if checksChecksums {
            var sum = Checksum()
            picture.bytes.withUnsafeBytes {
                sum.update(UnsafeRawBufferPointer(rebasing: $0[..<size]))
            }
            guard sum.value == self.index.checksums[index] else {
                throw ImageError(
                    .corrupt, name: name(at: index),
                    reason: "its bytes in \(files.paths[shard]) have another checksum than packed")
            }
        }
        picture.byteCount = size
        picture.form = .encoded
    }

    /// Of the names, the classes and the bytes' checksums.
    public var fingerprint: String {
        var print = Fingerprint("pack")
        print.add(classNames)
        index.names.bytes.withUnsafeBytes { print.add($0) }
        index.names.ends.withUnsafeBytes { print.add($0) }
        index.labels.withUnsafeBytes { print.add($0) }
        index.checksums.withUnsafeBytes { print.add($0) }
        return print.text(count: count)
    }

    /// Bytes of all shards.
    public var storedBytes: Int { index.shards.reduce(0) { $0 + $1.size } }

    /// How the pack was made.
    var recipe: String { index.recipe }

    /// Reads every shard as any other program would and every picture against its checksum.
    ///
    /// - Throws: `DataError` or `ImageError` for the first difference.
    public func verify() throws {
        for (number, shard) in index.shards.enumerated() {
            let path = files.paths[number]
            let found = try ShardIndex(reading: path, settlingSeconds: 0)
            let pictures = index.pictures(in: number)
            let firsts = found.firstMembers.map { Int($0) }
            guard found.fault == nil, found.stamp.size == shard.size,
                firsts.map({ found.offsets[$0] }) == Array(index.offsets[pictures]),
                firsts.map({ found.sizes[$0] }) == Array(index.sizes[pictures])
            else {
                throw DataError(
                    .malformed, path, "does not hold what the index says",
                    remedy: "check the disk and pack again")
            }
        }
        var picture = StoredPicture()
        for index in 0..<count { try load(index, into: &picture) }
    }
}
