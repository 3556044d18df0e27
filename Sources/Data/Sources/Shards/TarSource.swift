import Foundation
import Imaging
import Synchronization

/// Pictures in tar archives, one or many, as WebDataset lays them out.
///
/// Members with the same name up to the first dot form a sample, such as `000123.jpg`, `000123.cls`.
/// Its picture is the member with the ending of a picture; its label is what `.cls` holds, or the
/// entry `label`, `cls` or `class` of `.json`. Whole numbers are the classes themselves, names are
/// numbered in the order of their bytes.
///
/// One pass over the headers makes an index, which is kept between starts; after that any picture is
/// one read at a known place, so samples are taken in any order, without a shuffle buffer.
public struct TarSource: ImageSource {
    public let classNames: [String]
    public let notes: [String]
    public let parts: [SourcePart]
    private let shards: [ShardIndex]
    private let files: ShardFiles
    /// For each shard the class of each of its label texts.
    private let labelNumbers: [[Int32]]
    private let maxFileBytes: Int

    /// Indexes the archives, in the order given, which is the order of the pictures.
    ///
    /// An archive that is cut or damaged gives the samples before that, and a note.
    ///
    /// - Throws: `DataError` if one is missing, unreadable or compressed, or if there is no picture.
    public init(_ paths: [String], options: SourceOptions = SourceOptions()) throws {
        var notes: [String] = []
        let shards = try Self.index(paths, options, &notes)
        let place = paths.count == 1 ? paths[0] : "\(paths.first ?? "") and \(paths.count - 1) more"
        guard shards.contains(where: { $0.count > 0 }) else {
            let fault = shards.lazy.compactMap(\.fault).first.map { ": \($0)" } ?? ""
            throw DataError(
                .empty, place, "has no pictures\(fault)",
                remedy: "expected members such as 000000.jpg, with 000000.cls for the class")
        }
        Self.describe(shards, &notes)
        let unlabelled = shards.lazy.map { $0.labels.lazy.filter { $0 < 0 }.count }.reduce(0, +)
        let count = shards.lazy.map(\.count).reduce(0, +)
        if unlabelled == 0 {
            let classes = try ClassLabels(shards.lazy.flatMap(\.labelTexts), place: place)
            classNames = classes.names
            labelNumbers = shards.map { $0.labelTexts.map { Int32(classes.number(of: $0)) } }
        } else {
            (classNames, labelNumbers) = ([], [])
            if unlabelled < count {
                notes.append(
                    "\(unlabelled) of \(count) pictures have no label, so none is used; the first: "
                        + Self.firstUnlabelled(shards))
            }
        }
        self.notes = notes
        self.shards = shards
        files = ShardFiles(shards.map(\.path), stamps: shards.map(\.stamp))
        maxFileBytes = options.limits.maxFileBytes
        var start = 0
        parts = shards.map { shard in
            defer { start += shard.count }
            return SourcePart(shard.path, start..<start + shard.count)
        }
    }

    public var count: Int { parts.last?.range.upperBound ?? 0 }

    public func label(at index: Int) -> Int? {
        guard isLabelled else { return nil }
        let (shard, sample) = place(of: index)
        return Int(labelNumbers[shard][Int(shards[shard].labels[sample])])
    }

    /// The archive's path, a slash, the member's name.
    public func name(at index: Int) -> String {
        let (shard, sample) = place(of: index)
        let first = Int(shards[shard].firstMembers[sample])
        let ending = shards[shard].endings[Int(shards[shard].memberEndings[first])]
        return "\(shards[shard].path)/\(shards[shard].keys[sample]).\(ending)"
    }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        let (shard, sample) = place(of: index)
        let member = Int(shards[shard].firstMembers[sample])
        picture.byteCount = try read(member, of: shard, name(at: index), into: &picture.bytes)
        picture.form = .encoded
    }

    /// The bytes of another member of a picture's sample, such as `depth.npy`; nil without one.
    public func member(_ ending: String, at index: Int) throws -> [UInt8]? {
        let (shard, sample) = place(of: index)
        let members = shards[shard].members(of: sample)
        guard
            let member = members.first(where: {
                shards[shard].endings[Int(shards[shard].memberEndings[$0])] == ending
            })
        else { return nil }
        var bytes: [UInt8] = []
        let name = "\(shards[shard].path)/\(shards[shard].keys[sample]).\(ending)"
        let count = try read(member, of: shard, name, into: &bytes)
        return Array(bytes.prefix(count))
    }

    /// Of the shards' names, the keys, the members' sizes and the labels.
    public var fingerprint: String {
        var print = Fingerprint("shards")
        print.add(classNames)
        for shard in shards {
            print.add(URL(fileURLWithPath: shard.path).lastPathComponent)
            shard.keys.bytes.withUnsafeBytes { print.add($0) }
            shard.keys.ends.withUnsafeBytes { print.add($0) }
            shard.sizes.withUnsafeBytes { print.add($0) }
            shard.labels.withUnsafeBytes { print.add($0) }
            print.add(shard.labelTexts)
        }
        return print.text(count: count)
    }

    /// The shard of a picture and its number there.
    private func place(of index: Int) -> (shard: Int, sample: Int) {
        let shard = parts.partition { $0.range.upperBound > index }
        return (shard, index - parts[shard].range.lowerBound)
    }

    private func read(
        _ member: Int, of shard: Int, _ name: String, into bytes: inout [UInt8]
    ) throws -> Int {
        let size = shards[shard].sizes[member]
        guard size <= maxFileBytes else {
            throw ImageError(
                .tooLarge, name: name,
                reason: "\(size) bytes, more than the limit of \(maxFileBytes)")
        }
        try files.read(shard, at: shards[shard].offsets[member], count: size, into: &bytes)
        return size
    }

    // MARK: - Indexing

    private static func index(
        _ paths: [String], _ options: SourceOptions, _ notes: inout [String]
    ) throws -> [ShardIndex] {
        let cache = IndexCache(options)
        let key = paths.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }
        var earlier: [ShardIndex]?
        if options.index == .kept {
            let found = cache.load(.shards, key: key) { reader in
                let count = try reader.integer()
                guard count == paths.count else { throw reader.damage("has \(count) shards") }
                return try (0..<count).map { _ in try ShardIndex(from: &reader) }
            }
            earlier = found.index
            if let note = found.note { notes.append(note) }
        }
        let shards = try read(paths, earlier, options)
        if options.index != .off, shards != earlier,
            shards.lazy.map(\.count).reduce(0, +) >= options.smallestIndex
        {
            let note = cache.store(.shards, key: key) { writer in
                writer.append(shards.count)
                for shard in shards { shard.encode(to: &writer) }
            }
            if let note { notes.append(note) }
        }
        return shards
    }

    /// Reads the shards that changed, several at a time.
    private static func read(
        _ paths: [String], _ earlier: [ShardIndex]?, _ options: SourceOptions
    ) throws -> [ShardIndex] {
        struct Progress {
            var results: [Result<ShardIndex, any Error>?]
            var next = 0
            var done = 0
            var pictures = 0
        }
        let state = Mutex(Progress(results: Array(repeating: nil, count: paths.count)))
        let workers = min(max(1, options.threads), paths.count)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            while true {
                let number = state.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard number < paths.count else { return }
                let result = Result {
                    try reuse(earlier?[number], at: paths[number])
                        ?? ShardIndex(
                            reading: paths[number], settlingSeconds: options.settlingSeconds)
                }
                let progress = state.withLock { state in
                    state.results[number] = result
                    state.done += 1
                    state.pictures += (try? result.get().count) ?? 0
                    return IndexProgress(
                        done: state.done, known: paths.count, pictures: state.pictures)
                }
                options.progress?(progress)
            }
        }
        return try state.withLock { try $0.results.compactMap { try $0?.get() } }
    }

    /// The earlier index of a shard if that did not change.
    private static func reuse(_ earlier: ShardIndex?, at path: String) throws -> ShardIndex? {
        guard var earlier, earlier.isSettled, try ReadableFile(path).stamp == earlier.stamp else {
            return nil
        }
        earlier.path = path
        return earlier
    }

    /// Notes on what is wrong with the shards; of many faults the first.
    private static func describe(_ shards: [ShardIndex], _ notes: inout [String]) {
        let faults = shards.compactMap { shard in
            shard.fault.map { "\(shard.path) \($0): \(shard.count) pictures of it are used" }
        }
        notes += faults.prefix(10)
        if faults.count > 10 { notes.append("\(faults.count - 10) more shards are damaged") }
        let pictureless = shards.lazy.map(\.pictureless).reduce(0, +)
        if pictureless > 0 { notes.append("\(pictureless) samples have no picture") }
        let sparse = shards.lazy.map(\.sparse).reduce(0, +)
        if sparse > 0 { notes.append("\(sparse) sparse members are left out") }
    }

    private static func firstUnlabelled(_ shards: [ShardIndex]) -> String {
        for shard in shards {
            if let sample = shard.labels.firstIndex(where: { $0 < 0 }) {
                return "\(shard.path)/\(shard.keys[sample])"
            }
        }
        return ""
    }
}

extension Array {
    /// The first place from which on `isBehind` holds, in an array where it then holds to the end.
    func partition(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
