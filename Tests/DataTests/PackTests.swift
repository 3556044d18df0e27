import Foundation
import Imaging
import Testing

@testable import Data

@Suite("Packs") struct PackTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for number in 0..<12 {
            let ending = number % 3 == 0 ? "jpg" : "png"
            try folder.writePicture(
                "in/\(number % 2 == 0 ? "cat" : "dog")/\(number).\(ending)", seed: number,
                width: 30 + number, height: 24)
        }
        try folder.write([1, 2, 3], to: "in/cat/broken.jpg")
    }

    func pack(
        _ name: String, _ change: (inout PackSettings) -> Void = { _ in }
    ) throws -> PackWriter.Report {
        var settings = PackSettings()
        change(&settings)
        let writer = try PackWriter(
            ImageFolder("\(folder.path)/in", split: .all), split: .train,
            root: "\(folder.path)/in", settings: settings)
        return try writer.write(to: "\(folder.path)/\(name)")
    }

    func bytes(_ name: String) throws -> [String: [UInt8]] {
        let path = "\(folder.path)/\(name)"
        return try Dictionary(
            uniqueKeysWithValues: FileManager.default.contentsOfDirectory(atPath: path).map {
                ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))))
            })
    }

    @Test func aLosslessPackHoldsTheSamePictures() throws {
        let report = try pack("out") { $0.shardBytes = 8_000 }
        #expect(report.pictures == 12)
        #expect(report.shards > 2)
        #expect(report.leftOut.map(\.name) == ["\(folder.path)/in/cat/broken.jpg"])
        let original = try ImageFolder("\(folder.path)/in", split: .all)
        let packed = try openSource("\(folder.path)/out")
        #expect(packed.count == 12)
        #expect(packed.classNames == ["cat", "dog"])
        let kept = (0..<original.count).filter { !original.name(at: $0).contains("broken") }
        for (index, number) in kept.enumerated() {
            #expect(packed.label(at: index) == original.label(at: number))
            #expect(
                packed.name(at: index).dropFirst("\(folder.path)/out/".count)
                    == original.name(at: number).dropFirst("\(folder.path)/in/".count))
            var (one, two) = (StoredPicture(), StoredPicture())
            try packed.load(index, into: &one)
            try original.load(number, into: &two)
            #expect(one.bytes.prefix(one.byteCount) == two.bytes.prefix(two.byteCount))
        }
        try PackSource("\(folder.path)/out").verify()
        let lines = try bytes("out")[PackWriter.leftOutName].map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(lines?.contains("broken.jpg") == true)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/out.partial"))
        // The shards alone are shards like any other.
        try FileManager.default.removeItem(atPath: "\(folder.path)/out/index.tessera")
        let shards = try openSource("\(folder.path)/out")
        #expect(shards.count == 12)
        #expect((0..<12).map { shards.label(at: $0) } == (0..<12).map { packed.label(at: $0) })
        #expect(try shards.read(at: 7) == packed.read(at: 7))
    }

    @Test func largePicturesAreResized() throws {
        _ = try pack("out") { $0.shortSide = 20 }
        let original = try ImageFolder("\(folder.path)/in", split: .all)
        let packed = try openSource("\(folder.path)/out")
        for index in 0..<packed.count {
            let number = index < 6 ? index : index + 1  // behind the broken one
            let picture = try packed.read(at: index)
            let whole = try original.read(at: number)
            #expect(min(picture.width, picture.height) == 20)
            guard original.name(at: number).hasSuffix("png") else { continue }
            let size = whole.size.withShortSide(20)
            #expect(
                picture
                    == whole.resized(
                        width: size.width, height: size.height, interpolation: .bicubic))
        }
        _ = try pack("small") { $0.shortSide = 200 }
        #expect(
            try openSource("\(folder.path)/small").fingerprint
                == {
                    _ = try pack("same")
                    return try openSource("\(folder.path)/same").fingerprint
                }())
    }

    @Test(arguments: [1, 3]) func thePackDependsOnNothingElse(threads: Int) throws {
        let settings: (inout PackSettings) -> Void = {
            ($0.shardBytes, $0.shuffleSeed, $0.shortSide) = (6_000, 5, 22)
        }
        _ = try pack("one", settings)
        _ = try pack("two") {
            settings(&$0)
            $0.threads = threads
        }
        #expect(try bytes("one") == bytes("two"))
        let plain = try pack("plain") { $0.shardBytes = 6_000 }
        #expect(plain.pictures == 12)
        #expect(
            try openSource("\(folder.path)/plain").fingerprint
                != openSource("\(folder.path)/one").fingerprint)
    }

    @Test func anInterruptedPackingGoesOn() throws {
        _ = try pack("whole") { $0.shardBytes = 6_000 }
        let files = try bytes("whole")
        let shards = files.keys.filter { $0.hasSuffix(".tar") }.sorted()
        for kept in 0...shards.count {
            for shard in shards.prefix(kept) {
                try folder.write(files[shard] ?? [], to: "again.partial/\(shard)")
            }
            let recipe = try PackIndex(readingFrom: "\(folder.path)/whole").recipe
            try folder.write(Array(recipe.utf8), to: "again.partial/recipe.txt")
            let partial = "\(folder.path)/again.partial"
            if kept == 0 {
                #expect(throws: DataError.self) { try openSource(partial) }
            } else {
                // Whole shards are shards like any other, and no pack.
                let half = try openSource(partial)
                #expect(half is TarSource, "\(kept) shards")
                #expect(half.count < 12 || kept == shards.count)
            }
            let report = try pack("again") { $0.shardBytes = 6_000 }
            #expect(report.pictures == 12)
            #expect(kept == 0 ? report.resumed == 0 : report.resumed > 0)
            let again = try bytes("again")
            #expect(
                again.filter { $0.key != PackWriter.leftOutName }
                    == files.filter { $0.key != PackWriter.leftOutName })
            try FileManager.default.removeItem(atPath: "\(folder.path)/again")
        }
    }

    @Test func nothingIsReplaced() throws {
        #expect(try !pack("out/").wasThere)
        #expect(try pack("out").wasThere)
        let other = #expect(throws: DataError.self) { try pack("out") { $0.shortSide = 8 } }
        #expect(other?.problem == "is there already, and is not this pack")
        try folder.write(Array("other".utf8), to: "left.partial/recipe.txt")
        let left = #expect(throws: DataError.self) { try pack("left") }
        #expect(left?.problem == "is left from another packing")
    }

    @Test func damageIsFoundWhereItIs() throws {
        _ = try pack("out")
        let pack = try PackSource("\(folder.path)/out")
        let whole = try bytes("out")
        let name = try #require(whole.keys.first { $0.hasSuffix(".tar") })
        var bytes = try #require(whole[name])
        bytes[512 + 40] ^= 1
        try folder.write(bytes, to: "out/\(name)")
        // Opened anew, for an open one knows the file it had.
        let damaged = try PackSource("\(folder.path)/out")
        let error = #expect(throws: ImageError.self) { try damaged.read(at: 0) }
        #expect(error?.kind == .corrupt && error?.name == pack.name(at: 0))
        #expect(throws: Never.self) { try damaged.read(at: 1) }
        #expect(throws: ImageError.self) { try damaged.verify() }
        try folder.write(Array(bytes.dropLast(512)), to: "out/\(name)")
        let cut = #expect(throws: DataError.self) { try openSource("\(folder.path)/out") }
        #expect(cut?.problem.contains("the index says \(bytes.count)") == true)
        var index = try #require(whole["index.tessera"])
        index[60] ^= 4
        try folder.write(index, to: "out/index.tessera")
        let wrong = #expect(throws: DataError.self) { try openSource("\(folder.path)/out") }
        #expect(wrong?.description.contains("has a wrong checksum; copy the pack again") == true)
    }

    @Test func splitsOfPacksAreKept() throws {
        _ = try pack("set/train")
        #expect(try openSource("\(folder.path)/set").count == 12)
        #expect(try openSource("\(folder.path)/set/train", split: .all).count == 12)
        let error = #expect(throws: DataError.self) {
            try openSource("\(folder.path)/set/train", split: .validation)
        }
        #expect(error?.problem == "is a pack of the train pictures")
        let list = "\(folder.path)/names.txt"
        try folder.write(Array("11.png\n0.jpg\n".utf8), to: "names.txt")
        let subset = try openSource("\(list):\(folder.path)/set")
        #expect(subset.label(at: 0) == 1)
        #expect(try subset.read(at: 1).width == 30)
    }

    @Test func decodedPicturesBecomePNG() throws {
        let writer = try PackWriter(
            MemorySource(count: 5, bad: [2]), split: .train, root: "", settings: PackSettings())
        let report = try writer.write(to: "\(folder.path)/memory")
        #expect(report.pictures == 4 && report.leftOut.count == 1)
        let packed = try openSource("\(folder.path)/memory")
        #expect(packed.classNames == ["even", "odd"])
        #expect(try packed.read(at: 2) == noise(width: 12, height: 10, channels: 3, seed: 3))
        let nothing = try PackWriter(
            MemorySource(count: 2, bad: [0, 1]), split: .train, root: "", settings: PackSettings())
        let error = #expect(throws: DataError.self) { try nothing.write(to: "\(folder.path)/none") }
        #expect(error?.problem.contains("is bad on purpose") == true)
    }
}
