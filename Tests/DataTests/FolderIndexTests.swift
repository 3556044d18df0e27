import Foundation
import Testing

@testable import Data

/// What an index keeps between starts, and when it is not believed.
@Suite("The kept index of folders") struct FolderIndexTests {
    let folder: TemporaryFolder
    let cache: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        cache = try TemporaryFolder()
        for name in ["a/1.jpg", "a/2.jpg", "a/x/3.jpg", "b/4.jpg", "b/5.heic"] {
            try folder.write([1], to: name)
        }
    }

    /// Options under which the index of a handful of pictures is kept.
    func options(settling: Double = -1) -> SourceOptions {
        var options = SourceOptions()
        options.indexFolder = cache.path
        options.smallestIndex = 0
        // Folders made a moment ago count as settled.
        options.settlingSeconds = settling
        return options
    }

    func names(_ options: SourceOptions) throws -> [String] {
        let source = try ImageFolder(folder.path, options: options)
        return (0..<source.count).map {
            String(source.name(at: $0).dropFirst(folder.path.count + 1))
        }
    }

    var indexPath: String {
        get throws {
            let names = try FileManager.default.contentsOfDirectory(atPath: cache.path)
            return try "\(cache.path)/\(#require(names.first { $0.hasSuffix(".index") }))"
        }
    }

    /// The index with one name in it exchanged for another: what comes from it shows it.
    func forge(_ name: String, _ other: String) throws {
        var reader = try IndexFile.read(.folder, from: indexPath)
        let key = try reader.texts()
        var index = try FolderIndex(from: &reader)
        var files = PathList()
        for file in 0..<index.files.count {
            files.append((index.files[file] == name ? other : index.files[file]).utf8)
        }
        index.files = files
        var writer = IndexWriter()
        writer.append(key)
        index.encode(to: &writer)
        try IndexFile.write(writer.bytes, .folder, to: indexPath)
    }

    @Test func theSecondStartReadsTheIndex() throws {
        let first = try names(options())
        #expect(first == ["a/1.jpg", "a/2.jpg", "a/x/3.jpg", "b/4.jpg"])
        try forge("2.jpg", "forged.jpg")
        #expect(try names(options()) == ["a/1.jpg", "a/forged.jpg", "a/x/3.jpg", "b/4.jpg"])
        // What is left out is still known.
        #expect(try ImageFolder(folder.path, options: options()).notes.count == 1)
    }

    @Test func changedFoldersAloneAreListedAgain() throws {
        _ = try names(options())
        try forge("3.jpg", "forged.jpg")
        try folder.write([1], to: "b/0.png")
        try folder.write([1], to: "c/deep/6.png")
        try FileManager.default.removeItem(atPath: "\(folder.path)/a/1.jpg")
        let second = try ImageFolder(folder.path, options: options())
        let expected = ["a/2.jpg", "a/x/forged.jpg", "b/0.png", "b/4.jpg", "c/deep/6.png"]
        #expect(try names(options()) == expected)
        #expect(second.classNames == ["a", "b", "c"])
        #expect(second.notes.count == 1)
        // And the changes are kept in turn.
        try forge("4.jpg", "kept.jpg")
        #expect(try names(options())[3] == "b/kept.jpg")
        try FileManager.default.moveItem(
            atPath: "\(folder.path)/c", toPath: "\(folder.path)/0")
        #expect(try names(options()).first == "0/deep/6.png")
    }

    @Test func aFolderThatJustChangedIsNotBelieved() throws {
        _ = try names(options(settling: 60))
        try forge("2.jpg", "forged.jpg")
        #expect(try names(options()).contains("a/2.jpg"))
    }

    @Test func foldersWithLinksAreListedEachTime() throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/a/link.jpg",
            withDestinationPath: "\(folder.path)/elsewhere.jpg")
        let before = try names(options())
        // The folder does not change when the link's target appears.
        try folder.write([1], to: "elsewhere.jpg")
        #expect(try names(options()).count == before.count + 2)
    }

    @Test(arguments: [0, 8, 12, 16, 24, 31, 40, 100, 300]) func damageIsFound(at place: Int) throws
    {
        let first = try names(options())
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: indexPath)))
        if place < bytes.count { bytes[place] ^= 0x41 }
        if place == 31 { bytes.removeLast(20) }
        try Data(bytes).write(to: URL(fileURLWithPath: indexPath))
        let source = try ImageFolder(folder.path, options: options())
        #expect(source.count == first.count)
        #expect(
            source.notes.first?.hasPrefix("the kept index was made again: \(try indexPath)") == true
        )
        // It was written anew.
        #expect(try ImageFolder(folder.path, options: options()).notes.count == 1)
    }

    @Test func anIndexCanBeRefusedOrRebuilt() throws {
        _ = try names(options())
        try forge("2.jpg", "forged.jpg")
        var other = options()
        other.index = .off
        #expect(try names(other).contains("a/2.jpg"))
        #expect(try names(options()).contains("a/forged.jpg"))
        other.index = .rebuilt
        #expect(try names(other).contains("a/2.jpg"))
        #expect(try names(options()).contains("a/2.jpg"))
    }

    @Test func smallSetsKeepNoIndex() throws {
        var small = options()
        small.smallestIndex = 5
        _ = try names(small)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).isEmpty)
    }

    @Test func aCacheThatCannotBeWrittenIsNoted() throws {
        try folder.write([1], to: "file.txt")
        var other = options()
        other.indexFolder = "\(folder.path)/file.txt/cache"
        let notes = try ImageFolder(folder.path, options: other).notes
        #expect(
            notes.contains { $0.hasPrefix("the index cannot be kept for the next start") })
    }

    @Test(arguments: [1, 3, 16]) func threadsChangeNothing(threads: Int) throws {
        for number in 0..<60 {
            try folder.write([1], to: "many/\(number % 7)/\(number % 3)/\(number).jpg")
        }
        var many = options()
        many.threads = threads
        many.index = .off
        let found = try ImageFolder(folder.path, options: many)
        let sorted = try names(options())
        #expect(
            (0..<found.count).map { found.name(at: $0) } == sorted.map { "\(folder.path)/\($0)" })
        #expect(found.fingerprint == (try ImageFolder(folder.path, options: options()).fingerprint))
    }

    @Test func theFingerprintTellsNamesApart() throws {
        let first = try ImageFolder(folder.path).fingerprint
        #expect(first.hasPrefix("folder-4-"))
        try FileManager.default.moveItem(
            atPath: "\(folder.path)/b/4.jpg", toPath: "\(folder.path)/b/40.jpg")
        let renamed = try ImageFolder(folder.path).fingerprint
        #expect(renamed != first)
        try FileManager.default.moveItem(
            atPath: "\(folder.path)/b/40.jpg", toPath: "\(folder.path)/b/4.jpg")
        #expect(try ImageFolder(folder.path).fingerprint == first)
    }
}
