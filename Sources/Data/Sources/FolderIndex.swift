/// All pictures of a folder tree: first those of a folder, then its folders, in the order of names.
struct FolderIndex: Sendable, Equatable {
    /// Every folder, from the root on, which is the empty path; a folder stands before those in it.
    var folders = PathList()
    /// For each folder the number of the folder it lies in; −1 for the root.
    var parents: [Int32] = []
    var stamps: [EntryStamp] = []
    /// Whether the same stamp means that a folder did not change.
    var isSettled: [Bool] = []
    /// For each folder the number of its first picture.
    var firstFiles: [Int] = []
    /// The pictures' names, without their folders.
    var files = PathList()
    /// By the number of the folder, where something was left out.
    var leftOut: [Int: FolderListing.LeftOut] = [:]

    /// The folder of a picture: the last one whose first picture is not behind it.
    func folder(ofFile index: Int) -> Int {
        var (low, high) = (0, firstFiles.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstFiles[middle] <= index { low = middle } else { high = middle }
        }
        return low
    }

    /// The pictures of a folder, those below it left out.
    func files(inFolder folder: Int) -> Range<Int> {
        let end = folder + 1 < firstFiles.count ? firstFiles[folder + 1] : files.count
        return firstFiles[folder]..<end
    }

    mutating func append(_ path: String, parent: Int, _ listing: FolderListing) {
        folders.append(path.utf8)
        parents.append(Int32(parent))
        stamps.append(listing.stamp)
        isSettled.append(listing.isSettled)
        firstFiles.append(files.count)
        files.append(contentsOf: listing.pictures)
        if listing.leftOut != .init() { leftOut[folders.count - 1] = listing.leftOut }
    }

    // MARK: - Kept between starts

    func encode(to writer: inout IndexWriter) {
        writer.append(folders)
        writer.append(parents)
        writer.append(stamps)
        writer.append(isSettled.map { UInt8($0 ? 1 : 0) })
        writer.append(firstFiles)
        writer.append(files)
        writer.append(leftOut.count)
        for (folder, names) in leftOut.sorted(by: { $0.key < $1.key }) {
            for number in [folder, names.foreign, names.unnameable] { writer.append(number) }
            writer.append([names.foreignExample, names.unnameableExample])
        }
    }

    init() {}

    init(from reader: inout IndexReader) throws {
        folders = try reader.paths()
        parents = try reader.numbers(Int32.self)
        stamps = try reader.stamps()
        isSettled = try reader.numbers(UInt8.self).map { $0 != 0 }
        firstFiles = try reader.numbers(Int.self)
        files = try reader.paths()
        for _ in 0..<max(0, try reader.integer()) {
            let folder = try reader.integer()
            var names = FolderListing.LeftOut(
                foreign: try reader.integer(), unnameable: try reader.integer())
            let examples = try reader.texts()
            guard examples.count == 2 else { throw reader.damage("names no examples") }
            (names.foreignExample, names.unnameableExample) = (examples[0], examples[1])
            leftOut[folder] = names
        }
        let count = folders.count
        guard count > 0, folders[0].isEmpty, parents[0] == -1, firstFiles.first == 0,
            [parents.count, stamps.count, isSettled.count, firstFiles.count]
                .allSatisfy({ $0 == count })
        else { throw reader.damage("has lists of different lengths") }
        for index in 1..<count {
            guard firstFiles[index - 1] <= files.count,
                (0..<Int32(clamping: index)).contains(parents[index]),
                (firstFiles[index - 1]...files.count).contains(firstFiles[index])
            else { throw reader.damage("has folders out of order") }
        }
    }
}
