import Foundation
import Glibc
import Synchronization
import TensorFiles

/// Writes the pictures of a source as a pack.
///
/// All is written beside the pack's place, into `<folder>.partial`, the index last; then that folder
/// is renamed. So a folder under the pack's name is a whole pack. A packing that was interrupted goes
/// on behind the last whole shard. The same source and settings give the same bytes, whatever the
/// number of threads and interruptions.
public struct PackWriter {
    public let source: any ImageSource
    public let split: Split
    public let settings: PackSettings
    /// Names are stored without this start.
    public let root: String
    /// Called after every few pictures with how many are done.
    public var progress: (Int) -> Void = { _ in }

    public init(
        _ source: any ImageSource, split: Split, root: String, settings: PackSettings
    ) throws {
        try settings.check()
        (self.source, self.split, self.settings) = (source, split, settings)
        self.root = root.withoutSlashesAtEnd
    }

    /// What a packing did.
    public struct Report: Sendable, Equatable {
        public var pictures = 0
        public var shards = 0
        /// Pictures that an earlier, interrupted packing had written.
        public var resumed = 0
        /// Pictures that could not be read, with the reason; they are not in the pack.
        public var leftOut: [LeftOut] = []
        /// Whether the same pack was there already.
        public var wasThere = false
    }

    public struct LeftOut: Codable, Sendable, Equatable {
        public var name: String
        public var reason: String
    }

    /// Writes the pack.
    ///
    /// - Throws: `DataError` if something else is in its place or no picture could be read;
    ///   `TensorFileError` if the disk is full.
    public func write(to folder: String) throws -> Report {
        let folder = folder.withoutSlashesAtEnd
        let recipe = settings.recipe(of: source)
        if FileManager.default.fileExists(atPath: folder) {
            return try report(ofExisting: folder, recipe)
        }
        let partial = folder + ".partial"
        try prepare(partial, recipe)
        var state = try State(PackIndex(recipe: recipe, split: split), resuming: partial, self)
        try fill(&state)
        try state.close()
        guard state.index.count > 0 else {
            let reason = state.report.leftOut.first.map { "; the first: \($0.reason)" } ?? ""
            throw DataError(
                .empty, folder, "would be a pack without pictures\(reason)",
                remedy: "check the source of the pictures")
        }
        try writeLeftOut(state.report.leftOut, partial)
        try state.index.write(to: partial)
        unlink("\(partial)/\(Self.recipeName)")
        guard rename(partial, folder) == 0 else {
            throw DataError(
                .unreadable, folder,
                "cannot be put in place: \(String(cString: strerror(errno)))",
                remedy: "rename \(partial) to it")
        }
        return state.report
    }

    static let recipeName = "recipe.txt"
    static let leftOutName = "bad_files.jsonl"

    private func report(ofExisting folder: String, _ recipe: String) throws -> Report {
        guard PackSource.isPack(folder), case let pack = try PackSource(folder),
            pack.recipe == recipe
        else {
            throw DataError(
                .malformed, folder, "is there already, and is not this pack",
                remedy: "give another folder, or remove it")
        }
        var report = Report()
        (report.pictures, report.shards) = (pack.count, pack.parts.count)
        report.wasThere = true
        return report
    }

    /// Makes the folder to write into, or takes one that the same packing left.
    private func prepare(_ partial: String, _ recipe: String) throws {
        let path = "\(partial)/\(Self.recipeName)"
        if FileManager.default.fileExists(atPath: partial) {
            guard (try? String(contentsOfFile: path, encoding: .utf8)) == recipe else {
                throw DataError(
                    .malformed, partial, "is left from another packing",
                    remedy: "remove it, or pack with the settings it was begun with")
            }
            return
        }
        try FileManager.default.createDirectory(
            atPath: partial, withIntermediateDirectories: true)
        let file = try AtomicFile(path: path)
        try Array(recipe.utf8).withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    /// Encodes the pictures in chunks, many threads to a chunk, and appends them in order.
    private func fill(_ state: inout State) throws {
        let order = order
        // All of a chunk is in memory.
        let size = max(16, 8 * settings.threads)
        var next = state.next
        while next < order.count {
            let chunk = next..<min(next + size, order.count)
            let encoded = encode(chunk.map { order[$0] })
            for (position, result) in zip(chunk, encoded) {
                try state.append(result, position: position, picture: order[position], self)
            }
            next = chunk.upperBound
            progress(next)
        }
    }

    /// The source's numbers in the order of the pack.
    var order: [Int] {
        guard let seed = settings.shuffleSeed else { return Array(0..<source.count) }
        var random = CounterRandom(seed: seed, purpose: .order)
        return random.permutation(source.count)
    }

    typealias Encoded = Result<(bytes: [UInt8], ending: String), any Error>

    func encode(_ pictures: [Int]) -> [Encoded] {
        let results = Mutex([Encoded?](repeating: nil, count: pictures.count))
        let threads = max(1, min(settings.threads, pictures.count))
        let next = Atomic<Int>(0)
        let (source, settings) = (source, settings)
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var encoder = PackEncoder(settings)
            while true {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < pictures.count else { return }
                let result = Result { try encoder.encode(pictures[number], of: source) }
                results.withLock { $0[number] = result }
            }
        }
        return results.withLock { $0.compactMap { $0 } }
    }

    /// A picture's name as the pack keeps it.
    func storedName(_ picture: Int) -> String {
        let name = source.name(at: picture)
        return name.hasPrefix(root + "/") ? String(name.dropFirst(root.utf8.count + 1)) : name
    }

    private func writeLeftOut(_ leftOut: [LeftOut], _ partial: String) throws {
        guard !leftOut.isEmpty else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = try leftOut.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        let file = try AtomicFile(path: "\(partial)/\(Self.leftOutName)")
        try Array((lines.joined(separator: "\n") + "\n").utf8)
            .withUnsafeBytes { try file.write($0) }
        try file.commit()
    }
}
