import Foundation
import Imaging
import Testing

@testable import Data

@Suite("CIFAR") struct CIFARDatasetTests {
    /// A record whose planes hold 1, 2 and 3 but for the first pixel of each.
    func record(_ labels: [UInt8], first: UInt8) -> [UInt8] {
        labels + (1...3).flatMap { [first] + [UInt8](repeating: $0, count: 1023) }
    }

    @Test(arguments: ["", "/cifar-10-batches-bin"]) func tenClassesInBatches(below: String) throws {
        let folder = try TemporaryFolder()
        let names = "plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
        try folder.write(Array(names.utf8), to: "\(below)/batches.meta.txt")
        try folder.write(
            record([3], first: 10) + record([9], first: 20), to: "\(below)/data_batch_1.bin")
        try folder.write(record([0], first: 30), to: "\(below)/data_batch_2.bin")
        try folder.write(record([1], first: 40), to: "\(below)/test_batch.bin")
        let train = try openSource(folder.path)
        #expect(train.count == 3)
        #expect(train.classNames[9] == "truck")
        #expect((0..<3).map { train.label(at: $0) } == [3, 9, 0])
        let picture = try train.read(at: 2)
        #expect((picture.width, picture.height, picture.channels) == (32, 32, 3))
        #expect(picture.pixels.prefix(6) == [30, 30, 30, 1, 2, 3])
        #expect(train.name(at: 2) == "\(folder.path)\(below)/data_batch_2.bin[0]")
        #expect(train.parts.count == 2)
        let test = try openSource(folder.path, split: .validation)
        #expect(try test.read(at: 0).pixels.first == 40)
        let before = train.fingerprint
        try folder.write(record([0], first: 31), to: "\(below)/data_batch_2.bin")
        #expect(try openSource(folder.path).fingerprint != before)
    }

    @Test func fineClassesOfAHundred() throws {
        let folder = try TemporaryFolder()
        let names = (0..<100).map { "class\($0)" }.joined(separator: "\n")
        try folder.write(Array(names.utf8), to: "fine_label_names.txt")
        try folder.write(record([4, 77], first: 5), to: "train.bin")
        let train = try openSource(folder.path)
        #expect(train.label(at: 0) == 77)
        #expect(train.classNames[77] == "class77")
        #expect(try train.read(at: 0).pixels.prefix(3) == [5, 5, 5])
        let error = #expect(throws: DataError.self) {
            try openSource(folder.path, split: .validation)
        }
        #expect(error?.problem == "has no test pictures of CIFAR")
    }

    @Test func damagedFilesAreNamed() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(record([3], first: 1).dropLast()), to: "data_batch_1.bin")
        let cut = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(cut?.problem == "has 3072 bytes, not a number of 3073")
        try folder.write(record([10], first: 1), to: "data_batch_1.bin")
        let wrong = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(wrong?.problem == "has the class 10 in record 0, expected 0 to 9")
        try folder.write(record([1], first: 1), to: "data_batch_1.bin")
        try folder.write(Array("one\ntwo\n".utf8), to: "batches.meta.txt")
        let names = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(names?.problem == "has 2 names, expected 10")
    }
}
