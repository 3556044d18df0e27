import Foundation
import Imaging
import Testing

@testable import Data

/// Reads damaged archives, indexes, packs, lists and CIFAR files for a while.
///
/// A few hundred inputs of each kind, or as many as `TESSERA_FUZZ_SECONDS` allow. Input number n is a
/// function of n alone; `TESSERA_FUZZ_START` starts at another number, and a long run prints where it
/// is, so that a crash can be found again.
@Suite("Fuzzing sources") struct SourceFuzzTests {
    static let environment = ProcessInfo.processInfo.environment
    static let seconds = Double(environment["TESSERA_FUZZ_SECONDS"] ?? "")
    static let start = Int(environment["TESSERA_FUZZ_START"] ?? "") ?? 0
    static let few = 200

    enum Kind: String, CaseIterable {
        case tar
        case records
        case folderIndex
        case shardIndex
        case packIndex
        case list
        case cifar
        case pattern
    }

    @Test("damaged files are read or refused, quickly", arguments: Kind.allCases)
    func damaged(kind: Kind) throws {
        let lab = try FuzzLab()
        let corpus = try lab.corpus(kind)
        let begin = Date()
        var (number, refused, slowest) = (Self.start, 0, 0.0)
        while Self.seconds.map({ Date().timeIntervalSince(begin) < $0 })
            ?? (number - Self.start < Self.few)
        {
            let before = Date()
            do {
                try lab.explore(kind, Self.mutated(corpus, number))
            } catch let error as DataError {
                refused += 1
                if error.place.isEmpty || error.remedy.isEmpty {
                    Issue.record("\(kind) \(number): \(error)")
                }
            } catch is ImageError {
                refused += 1
            } catch { Issue.record("\(kind) \(number): \(error)") }
            slowest = max(slowest, Date().timeIntervalSince(before))
            number += 1
            if Self.seconds != nil, number % 20_000 == 0 {
                print("fuzz \(kind): next \(number), \(refused) refused")
            }
        }
        let count = number - Self.start
        print("fuzz \(kind): \(count) inputs, \(refused) refused, slowest \(slowest) s")
        // A file of some kilobytes takes far less; this finds endless loops.
        #expect(Self.seconds == nil || slowest < 5, "an input took \(slowest) s")
        #expect(count > 0 && refused < count, "every input was refused: the corpus is of no use")
    }

    /// One to eight damages of one of the sources, often few.
    static func mutated(_ corpus: [[UInt8]], _ number: Int) -> [UInt8] {
        var random = CounterRandom(seed: 0x7E55, purpose: .method, sample: number)
        var bytes = corpus[random.integer(in: 0..<corpus.count)]
        let most = random.integer(in: 1..<9)
        for _ in 0..<random.integer(in: 1..<most + 1) where !bytes.isEmpty {
            let at = random.integer(in: 0..<bytes.count)
            let length = min(random.integer(in: 1..<17), bytes.count - at)
            switch random.integer(in: 0..<8) {
            case 0: bytes[at] ^= 1 << UInt8(random.integer(in: 0..<8))
            case 1: bytes[at] = UInt8(random.integer(in: 0..<256))
            case 2: bytes.removeSubrange(at..<at + length)
            case 3: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
            case 4: bytes.removeLast(min(bytes.count - at, 700))
            case 5:
                // Another file's piece, often a whole block.
                let other = corpus[random.integer(in: 0..<corpus.count)]
                let from = random.integer(in: 0..<max(other.count, 1)) / 512 * 512
                bytes.insert(contentsOf: other[from...].prefix(512), at: at / 512 * 512)
            case 6:
                // Sizes that overflow something, as bytes and as digits.
                let size: Int = [0, 1, -1, 1 << 31, 1 << 32, 1 << 62, .max, .min][
                    random.integer(in: 0..<8)]
                let field = withUnsafeBytes(of: size) { Array($0) }
                bytes.replaceSubrange(at..<min(at + 8, bytes.count), with: field)
            default:
                let digits = Array(
                    ["77777777777", "00000000000", "-1", "99999999"][
                        random.integer(in: 0..<4)
                    ].utf8)
                bytes.replaceSubrange(at..<min(at + digits.count, bytes.count), with: digits)
            }
        }
        return bytes
    }
}

/// Honest files of every kind, and what a program does with such files.
private struct FuzzLab {
    let folder = try? TemporaryFolder()
    let path: String

    init() throws { path = try #require(folder).path }

    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    func corpus(_ kind: SourceFuzzTests.Kind) throws -> [[UInt8]] {
        switch kind {
        case .tar: return [try tar(1), try tar(4)]
        case .records:
            return [
                "25 path=some/where/a.png\n19 size=1234567890\n",
                "12 path=a.b\n30 mtime=1350244992.023960108\n",
            ]
            .map { Array($0.utf8) }
        case .folderIndex: return [try folderIndex()]
        case .shardIndex: return [try shardIndex()]
        case .packIndex: return [try packIndex()]
        case .list:
            return [
                "a/1.jpg\nb/2.png\n", "a/1.jpg\t3\r\nb/2.png, 4\n",
                "# list\n\na b.jpg cat\nc.png dog",
            ].map { Array($0.utf8) }
        case .cifar:
            return [[UInt8](repeating: 3, count: 3073), [UInt8](repeating: 1, count: 3074 * 2)]
        case .pattern:
            return ["shard-{000000..000099}.tar", "{train,val}-{0..9}.tar", "a{08..10}b{x,y,z}"]
                .map { Array($0.utf8) }
        }
    }

    private func tar(_ count: Int) throws -> [UInt8] {
        var tar = TarFixture()
        for number in 0..<count {
            tar.add(
                "s/\(number).png",
                try noise(width: 4, height: 4, channels: 3, seed: number).encodedPNG())
            tar.add("s/\(number).cls", "\(number)")
            tar.add("s/\(number).json", #"{"label": "cat", "more": [1, {"a": null}]}"#)
        }
        tar.add("././@LongLink", String(repeating: "n", count: 150) + ".png\0", type: "L")
        tar.add("long", [1, 2, 3])
        tar.add("pax", "25 path=some/where/a.png\n", type: "x")
        tar.add("file", [1, 2, 3])
        tar.add("sparse.png", [1, 2], type: "S")
        tar.add("folder/", [], type: "5")
        tar.end()
        return tar.bytes
    }

    private func folderIndex() throws -> [UInt8] {
        for name in ["t/a/1.jpg", "t/a/x/2.png", "t/b/3.gif", "t/b/4.heic"] {
            try folder?.write([1], to: name)
        }
        var options = SourceOptions()
        options.settlingSeconds = -1
        let index = try FolderWalk(root: "\(path)/t", options: options, earlier: nil).run()
        var writer = IndexWriter()
        index.encode(to: &writer)
        return writer.bytes
    }

    private func shardIndex() throws -> [UInt8] {
        var writer = IndexWriter()
        try ShardIndex(reading: write(tar(3), "whole.tar"), settlingSeconds: 0).encode(to: &writer)
        return writer.bytes
    }

    private func packIndex() throws -> [UInt8] {
        let pack = try PackWriter(
            MemorySource(count: 6), split: .train, root: "", settings: PackSettings())
        _ = try pack.write(to: "\(path)/pack")
        return [UInt8](
            try Data(contentsOf: URL(fileURLWithPath: "\(path)/pack/index.tessera"))
        ).suffix(from: IndexFile.headerSize).map { $0 }
    }

    /// Opens what the bytes are meant to be and touches every picture of it.
    func explore(_ kind: SourceFuzzTests.Kind, _ bytes: [UInt8]) throws {
        var reader = IndexReader(bytes: bytes, name: "case", kind: .folder)
        switch kind {
        case .tar:
            // Half the time headers are sound again, else their checksums would refuse most.
            var bytes = bytes
            for block in stride(from: 0, to: bytes.count - 512, by: 512)
            where bytes.count % 2 == 0 && bytes[block + 257] == UInt8(ascii: "u") {
                var header = Array(bytes[block..<block + 512])
                TarFixture.seal(&header)
                bytes.replaceSubrange(block..<block + 512, with: header)
            }
            try touch(TarSource([write(bytes, "case.tar")]))
        case .records:
            _ = TarRecords(bytes)
        case .folderIndex:
            let index = try FolderIndex(from: &reader)
            try reader.expectEnd()
            var options = SourceOptions()
            options.threads = 2
            let walk = FolderWalk(root: "\(path)/t", options: options, earlier: index)
            _ = walk.earlierHolds()
            _ = try walk.run()
            for file in 0..<index.files.count { _ = index.folders[index.folder(ofFile: file)] }
        case .shardIndex:
            let index = try ShardIndex(from: &reader)
            try reader.expectEnd()
            for sample in 0..<index.count {
                for member in index.members(of: sample) {
                    _ = index.endings[Int(index.memberEndings[member])]
                }
            }
        case .packIndex:
            let folder = "\(path)/pack"
            // The checksum is right, as an attacker would see to.
            try IndexFile.write(bytes, .pack, to: "\(folder)/index.tessera")
            try touch(PackSource(folder))
        case .list: _ = try ListLines(bytes, name: "case")
        case .cifar:
            let file = try write(bytes, "case.bin")
            try touch(
                CIFARDataset(
                    CIFARFiles(
                        folder: path, hasCoarseLabels: bytes.count % 3074 == 0, train: [file],
                        test: []), split: .train))
        case .pattern: _ = try ShardPattern.expand(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func touch(_ source: any ImageSource) throws {
        _ = source.fingerprint
        var picture = StoredPicture()
        for index in 0..<source.count {
            _ = (source.name(at: index), source.label(at: index))
            try? source.load(index, into: &picture)
        }
    }
}
