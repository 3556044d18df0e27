import Foundation

/// What a pack holds and where: the file `index.tessera` beside its shards.
///
/// Layout: see `IndexFile` and `IndexWriter`. The shards are plain tar archives that other programs
/// read without it.
struct PackIndex: Sendable, Equatable {
    static let fileName = "index.tessera"

    /// How the pack was made, as text: two packings with the same text give the same bytes.
    var recipe: String
    var split: Split
    var classNames: [String] = []
    var shards: [Shard] = []
    /// The pictures' names in the source they came from.
    var names = PathList()
    var offsets: [Int] = []
    var sizes: [Int] = []
    /// The class of each picture; −1 without labels.
    var labels: [Int32] = []
    /// The CRC-32 of each picture's bytes.
    var checksums: [UInt32] = []

    struct Shard: Sendable, Equatable {
        var name: String
        var size: Int
        /// The number of its first picture.
        var first: Int
    }

    var count: Int { names.count }

    func pictures(in shard: Int) -> Range<Int> {
        shards[shard].first..<(shard + 1 < shards.count ? shards[shard + 1].first : count)
    }

    init(recipe: String, split: Split) { (self.recipe, self.split) = (recipe, split) }

    func write(to folder: String) throws {
        var writer = IndexWriter()
        writer.append(recipe)
        writer.append(split.rawValue)
        writer.append(classNames)
        writer.append(shards.map(\.name))
        writer.append(shards.map(\.size))
        writer.append(shards.map(\.first))
        writer.append(names)
        writer.append(offsets)
        writer.append(sizes)
        writer.append(labels)
        writer.append(checksums)
        try IndexFile.write(writer.bytes, .pack, to: "\(folder)/\(Self.fileName)")
    }

    /// - Throws: `DataError` if the file is missing, damaged or contradicts itself.
    init(readingFrom folder: String) throws {
        var reader = try IndexFile.read(.pack, from: "\(folder)/\(Self.fileName)")
        try self.init(from: &reader)
        try reader.expectEnd()
    }

    init(from reader: inout IndexReader) throws {
        recipe = try reader.text()
        guard let split = Split(rawValue: try reader.text()) else {
            throw reader.damage("is of an unknown split")
        }
        self.split = split
        classNames = try reader.texts()
        let (shardNames, shardSizes) = (try reader.texts(), try reader.numbers(Int.self))
        let firsts = try reader.numbers(Int.self)
        names = try reader.paths()
        offsets = try reader.numbers(Int.self)
        sizes = try reader.numbers(Int.self)
        labels = try reader.numbers(Int32.self)
        checksums = try reader.numbers(UInt32.self)
        guard shardSizes.count == shardNames.count, firsts.count == shardNames.count,
            [offsets.count, sizes.count, labels.count, checksums.count]
                .allSatisfy({ $0 == names.count })
        else { throw reader.damage("has lists of different lengths") }
        shards = shardNames.indices.map {
            Shard(name: shardNames[$0], size: shardSizes[$0], first: firsts[$0])
        }
        try check(reader)
    }

    /// Numbers that point somewhere must point inside, and shards lie beside the index.
    private func check(_ reader: IndexReader) throws {
        var end = 0
        for (number, shard) in shards.enumerated() {
            guard !shard.name.isEmpty, !shard.name.contains("/"), shard.name != "..",
                number == 0 ? shard.first == 0 : shard.first >= end, shard.first <= count
            else { throw reader.damage("has shards out of order") }
            end = shard.first
        }
        let lowest: Int32 = classNames.isEmpty ? -1 : 0
        guard !shards.isEmpty || count == 0,
            labels.allSatisfy({ $0 >= lowest && $0 < max(classNames.count, 0) })
        else { throw reader.damage("has labels without a class") }
        for number in shards.indices {
            let size = shards[number].size
            for picture in pictures(in: number) {
                let (offset, bytes) = (offsets[picture], sizes[picture])
                guard offset >= 0, bytes >= 0, offset <= size, bytes <= size - offset else {
                    throw reader.damage("points outside its shards")
                }
            }
        }
    }
}
