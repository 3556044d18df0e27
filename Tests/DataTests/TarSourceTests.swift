import Foundation
import Imaging
import TensorFiles
import Testing

@testable import Data

@Suite("Tar shards") struct TarSourceTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func png(_ seed: Int) throws -> [UInt8] {
        try noise(width: 8, height: 6, channels: 3, seed: seed).encodedPNG()
    }

    func write(_ name: String, _ fill: (inout TarFixture) throws -> Void) throws -> String {
        var tar = TarFixture()
        try fill(&tar)
        try folder.write(tar.bytes, to: name)
        return "\(folder.path)/\(name)"
    }

    @Test func membersWithOneKeyAreASample() throws {
        let path = try write("a.tar") { tar in
            tar.add("./set/", "", type: "5")
            tar.add("set/000.cls", "2\n")
            tar.add("set/000.PNG", try png(1))
            tar.add("set/000.seg.png", [9])
            tar.add("set/._000.png", [9])
            tar.add("set/001.png", try png(2))
            tar.add("set/001.json", #"{"label": 0, "url": "http://x"}"#)
            tar.add("set/002.txt", "no picture")
            tar.add("readme", "no ending")
            tar.add("003.jpg", "no label")
            tar.add("003.cls", "1")
            tar.end()
        }
        let source = try TarSource([path])
        #expect(source.count == 3)
        #expect(source.classNames == ["0", "1", "2"])
        #expect((0..<3).map { source.label(at: $0) } == [2, 0, 1])
        #expect(source.name(at: 0) == "\(path)/set/000.png")
        #expect(try source.read(at: 1) == noise(width: 8, height: 6, channels: 3, seed: 2))
        #expect(try source.member("seg.png", at: 0) == [9])
        #expect(try source.member("seg.png", at: 1) == nil)
        #expect(source.notes == ["1 samples have no picture"])
        let error = #expect(throws: ImageError.self) { try source.read(at: 2) }
        #expect(error?.name == "\(path)/003.jpg")
    }

    @Test func namesOfClassesAreSorted() throws {
        let path = try write("a.tar") { tar in
            for (number, name) in ["zebra", "ant", "zebra"].enumerated() {
                tar.add("\(number).png", try png(number))
                tar.add("\(number).json", #"{"class": "\#(name)"}"#)
            }
            tar.end()
        }
        let source = try TarSource([path])
        #expect(source.classNames == ["ant", "zebra"])
        #expect((0..<3).map { source.label(at: $0) } == [1, 0, 1])
    }

    @Test func longAndStrangeNamesAreReadAsOtherProgramsWriteThem() throws {
        let long = String(repeating: "d/", count: 80) + "x"
        let path = try write("a.tar") { tar in
            tar.add("././@LongLink", "\(long).png\0", type: "L")
            tar.add("cut", try png(1))
            let record = " path=\(long)y.png\n"
            tar.add("pax", "\(record.utf8.count + 3)\(record)", type: "x")
            tar.add("cut", try png(2))
            tar.add("global", "20 path=evil.png\n", type: "g")
            tar.add("../../etc/z.png", try png(3))
            // The prefix of ustar.
            var header = TarWriter.header("p.png", size: 3)
            header.replaceSubrange(345..<348, with: Array("far".utf8))
            TarFixture.seal(&header)
            tar.bytes += header + [UInt8](repeating: 7, count: 512)
            // A size in binary.
            header = TarWriter.header("q.png", size: 0)
            header.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0, count: 10) + [4])
            TarFixture.seal(&header)
            tar.bytes += header + [UInt8](repeating: 8, count: 512)
            tar.end()
        }
        let source = try TarSource([path])
        let names = (0..<source.count).map { String(source.name(at: $0).dropFirst(path.count + 1)) }
        #expect(names == ["\(long).png", "\(long)y.png", "../../etc/z.png", "far/p.png", "q.png"])
        #expect(try source.member("png", at: 3) == [7, 7, 7])
        #expect(try source.member("png", at: 4) == [8, 8, 8, 8])
        #expect(try source.read(at: 1) == noise(width: 8, height: 6, channels: 3, seed: 2))
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/tar"), "there is no tar"))
    func archivesOfTheSystemsOwnProgramAreRead() throws {
        for number in 0..<3 { try folder.writePicture("in/\(number).png", seed: number) }
        for form in ["gnu", "pax", "ustar", "v7"] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
            process.arguments = [
                "--format=\(form)", "--sort=name", "-cf", "\(folder.path)/\(form).tar", "-C",
                folder.path, "in",
            ]
            try process.run()
            process.waitUntilExit()
            let source = try TarSource(["\(folder.path)/\(form).tar"])
            #expect(source.count == 3)
            #expect(source.notes.isEmpty)
            #expect(try source.read(at: 2) == noise(width: 20, height: 16, channels: 3, seed: 2))
        }
    }

    /// A shard of `count` labelled pictures, and where each member ends: its padding, its contents.
    func shard(_ count: Int) throws -> (bytes: [UInt8], ends: [Int], contentEnds: [Int]) {
        var tar = TarFixture()
        var (ends, contentEnds): ([Int], [Int]) = ([], [])
        for number in 0..<count {
            let members = [("png", try png(number)), ("cls", Array("\(number)".utf8))]
            for (ending, contents) in members {
                contentEnds.append(tar.bytes.count + 512 + contents.count)
                tar.add("\(number).\(ending)", contents)
                ends.append(tar.bytes.count)
            }
        }
        tar.end()
        return (tar.bytes, ends, contentEnds)
    }

    @Test func aCutShardYieldsItsWholeSamples() throws {
        let (bytes, _, contentEnds) = try shard(4)
        for cut in stride(from: 513, to: bytes.count - 1024, by: 97) {
            try folder.write(Array(bytes[..<cut]), to: "cut.tar")
            // A member is whole without its padding, a sample with both of its members.
            let members = contentEnds.count { cut >= $0 }
            guard members > 0 else {
                #expect(throws: DataError.self, "cut at \(cut)") {
                    try TarSource(["\(folder.path)/cut.tar"])
                }
                continue
            }
            // Of a picture alone nothing says that it has a label.
            guard members > 1 else { continue }
            let whole = members / 2
            let source = try TarSource(["\(folder.path)/cut.tar"])
            #expect(source.isLabelled, "cut at \(cut)")
            #expect(source.count == whole, "cut at \(cut)")
            let note = try #require(source.notes.first)
            #expect(note.contains("cut off"))
            #expect(note.hasSuffix(": \(whole) pictures of it are used"), "\(note)")
            for index in 0..<source.count {
                #expect(
                    try source.read(at: index)
                        == noise(width: 8, height: 6, channels: 3, seed: index))
            }
        }
    }

    @Test func aDamagedShardYieldsWhatIsBefore() throws {
        var (bytes, ends, _) = try shard(4)
        bytes[ends[3] + 20] ^= 0xFF
        try folder.write(bytes, to: "bad.tar")
        try folder.write(try shard(2).bytes, to: "good.tar")
        let source = try openSource("\(folder.path)/{bad,good}.tar")
        #expect(source.count == 4)
        #expect(
            source.notes == [
                "\(folder.path)/bad.tar has a header with a wrong checksum at byte \(ends[3]), and "
                    + "is not read from there on: 2 pictures of it are used"
            ])
        #expect(source.parts.map(\.range) == [0..<2, 2..<4])
    }

    @Test func compressedAndEmptyArchivesAreRefused() throws {
        try folder.write([0x1F, 0x8B, 8, 0], to: "a.tar")
        let compressed = #expect(throws: DataError.self) { try openSource("\(folder.path)/a.tar") }
        #expect(compressed?.remedy.contains("gunzip") == true)
        try folder.write([UInt8](repeating: 0, count: 1024), to: "b.tar")
        let empty = #expect(throws: DataError.self) { try openSource("\(folder.path)/b.tar") }
        #expect(empty?.kind == .empty)
        try folder.write(Array("hello".utf8), to: "c.tar")
        let short = #expect(throws: DataError.self) { try openSource("\(folder.path)/c.tar") }
        #expect(short?.problem.contains("is cut off at byte 5") == true)
    }

    @Test func partlyLabelledShardsHaveNoLabels() throws {
        let path = try write("a.tar") { tar in
            tar.add("0.png", try png(0))
            tar.add("0.cls", "0")
            tar.add("1.png", try png(1))
            tar.add("2.png", try png(2))
            tar.add("2.cls", "0")
            tar.end()
        }
        let source = try TarSource([path])
        #expect(!source.isLabelled && source.count == 3)
        #expect(
            source.notes == [
                "1 of 3 pictures have no label, so none is used; the first: \(path)/1"
            ])
    }

    @Test(arguments: ["-1", "99999999999"]) func impossibleClassesAreRefused(label: String) throws {
        let path = try write("a.tar") { tar in
            tar.add("0.png", try png(0))
            tar.add("0.cls", label)
            tar.end()
        }
        let error = #expect(throws: DataError.self) { try TarSource([path]) }
        #expect(error?.problem == "has the label \(label)")
    }

    @Test func splitsAreFoldersOrWordsInTheNames() throws {
        try folder.write(try shard(3).bytes, to: "w/set-train-000.tar")
        try folder.write(try shard(2).bytes, to: "w/set-train-001.tar")
        try folder.write(try shard(1).bytes, to: "w/set-val-000.tar")
        #expect(try openSource("\(folder.path)/w").count == 5)
        #expect(try openSource("\(folder.path)/w", split: .validation).count == 1)
        #expect(try openSource("\(folder.path)/w", split: .all).count == 6)
        let pattern = "\(folder.path)/w/set-{train,val}-{000..000}.tar"
        #expect(try openSource(pattern, split: .validation).count == 1)
        #expect(try openSource(pattern).count == 3)
        try folder.write(try shard(3).bytes, to: "f/train/0.tar")
        try folder.write(try shard(2).bytes, to: "f/test/0.tar")
        #expect(try openSource("\(folder.path)/f").count == 3)
        #expect(try openSource("\(folder.path)/f", split: .validation).count == 2)
        let none = #expect(throws: DataError.self) {
            try openSource("\(folder.path)/f/train", split: .validation)
        }
        #expect(none?.problem.hasPrefix("has no folder or shard val") == true)
    }

    @Test func picturesInFoldersBesideAnArchiveCount() throws {
        try folder.write(try shard(3).bytes, to: "original.tar")
        try folder.writePicture("train/a/1.png", seed: 1)
        #expect(try openSource(folder.path).count == 1)
        try folder.write(try shard(3).bytes, to: "flat/original.tar")
        for number in 0..<2 { try folder.writePicture("flat/\(number).png", seed: 1) }
        let flat = try openSource("\(folder.path)/flat")
        #expect(flat.count == 2)
        #expect(
            flat.notes == ["1 files in forms that are not read are left out, such as original.tar"])
    }

    @Test func missingShardsAreCounted() throws {
        try folder.write(try shard(1).bytes, to: "s-000001.tar")
        let error = #expect(throws: DataError.self) {
            try openSource("\(folder.path)/s-{000000..000003}.tar")
        }
        #expect(
            error?.problem
                == "3 of 4 shards are not there, such as \(folder.path)/s-000000.tar")
    }

    @Test func theIndexIsKeptAndChecked() throws {
        let cache = try TemporaryFolder()
        var options = SourceOptions()
        options.indexFolder = cache.path
        options.smallestIndex = 0
        options.settlingSeconds = -1
        try folder.write(try shard(3).bytes, to: "0.tar")
        try folder.write(try shard(2).bytes, to: "1.tar")
        let paths = (0..<2).map { "\(folder.path)/\($0).tar" }
        let first = try TarSource(paths, options: options)
        let second = try TarSource(paths, options: options)
        #expect(second.fingerprint == first.fingerprint)
        #expect(second.label(at: 4) == 1)
        // A shard that changed is read again, and a program that still has it open is told.
        try folder.write(try shard(5).bytes, to: "1.tar")
        let error = #expect(throws: DataError.self) { try first.read(at: 3) }
        #expect(error?.problem == "was changed after it was opened")
        let third = try TarSource(paths, options: options)
        #expect(third.count == 8 && third.fingerprint != first.fingerprint)
        let files = try FileManager.default.contentsOfDirectory(atPath: cache.path)
        let index = "\(cache.path)/\(try #require(files.first))"
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: index)))
        bytes[200] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: index))
        let fourth = try TarSource(paths, options: options)
        #expect(fourth.fingerprint == third.fingerprint)
        #expect(fourth.notes.first?.contains("has a wrong checksum") == true)
    }

    @Test(arguments: [
        ("s-{000..002}.tar", ["s-000.tar", "s-001.tar", "s-002.tar"]),
        ("{8..10}", ["8", "9", "10"]), ("{08..10}", ["08", "09", "10"]),
        ("{00008..10}", ["00008", "00009", "00010"]), ("{a,b}{1..2}", ["a1", "a2", "b1", "b2"]),
    ])
    func bracesStandForMany(pattern: String, paths: [String]) throws {
        #expect(try ShardPattern.expand(pattern) == paths)
    }

    @Test(arguments: [
        "{1..", "{}", "{a}", "{2..1}", "{1..99999999}", "{0..99999}{0..9}", "{-1..2}",
    ])
    func bracesWithoutMeaningAreRefused(pattern: String) {
        #expect(throws: DataError.self) { try ShardPattern.expand(pattern) }
    }
}
