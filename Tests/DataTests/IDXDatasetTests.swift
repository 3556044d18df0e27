import Foundation
import Imaging
import Testing

@testable import Data

@Suite("IDX files") struct IDXDatasetTests {
    func idx(_ shape: [Int], _ values: [UInt8]) -> [UInt8] {
        [0, 0, 8, UInt8(shape.count)]
            + shape.flatMap { size in
                (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
            }
            + values
    }

    @Test(arguments: [false, true], ["", "/raw", "/FashionMNIST/raw"])
    func picturesAndLabelsAreRead(gzipped: Bool, below: String) throws {
        let folder = try TemporaryFolder()
        try folder.folder(String(below.dropFirst()))
        func write(_ bytes: [UInt8], _ name: String) throws {
            if gzipped {
                folder.writeGzipped(bytes, to: "\(below)/\(name).gz")
            } else {
                try folder.write(bytes, to: "\(below)/\(name)")
            }
        }
        try write(idx([3, 2, 4], Array(0..<24)), "train-images-idx3-ubyte")
        try write(idx([3], [2, 0, 1]), "train-labels-idx1-ubyte")
        try write(idx([1, 2, 4], Array(100..<108)), "t10k-images-idx3-ubyte")
        try write(idx([1], [1]), "t10k-labels-idx1-ubyte")
        let train = try openSource(folder.path, split: .train)
        #expect(train.count == 3)
        #expect(train.classNames == ["0", "1", "2"])
        #expect((0..<3).map { train.label(at: $0) } == [2, 0, 1])
        let picture = try train.read(at: 1)
        #expect((picture.width, picture.height, picture.channels) == (4, 2, 1))
        #expect(picture.pixels == Array(8..<16))
        #expect(train.name(at: 1).hasSuffix("[1]"))
        let test = try openSource(folder.path, split: .validation)
        #expect(test.count == 1)
        #expect(try test.read(at: 0).pixels == Array(100..<108))
    }

    @Test func theFashionClassesAreKnownByTheirLabels() throws {
        let folder = try TemporaryFolder()
        try folder.write(idx([10, 1, 1], Array(0..<10)), to: "train-images-idx3-ubyte")
        try folder.write(
            idx([10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]), to: "train-labels-idx1-ubyte")
        #expect(try openSource(folder.path).classNames[9] == "Ankle boot")
    }

    @Test func coloursAndMissingLabelsAreAccepted() throws {
        let folder = try TemporaryFolder()
        try folder.write(idx([2, 1, 2, 3], Array(0..<12)), to: "images")
        let data = try IDXDataset(images: "\(folder.path)/images", labels: nil)
        #expect(data.channels == 3)
        #expect(data.label(at: 1) == nil)
        #expect(!data.isLabelled)
        #expect(try data.read(at: 1).pixels == Array(6..<12))
    }

    @Test func damagedFilesSayWhatIsWrong() throws {
        let folder = try TemporaryFolder()
        let good = idx([3, 2, 2], Array(0..<12))
        for (bytes, words): ([UInt8], String) in [
            ([], "ends after 0 of 4 bytes"),
            ([0, 0, 8, 1, 0, 0, 0, 0], "starts with [0, 0, 8, 1]"),
            ([0, 0, 13, 3], "starts with"),
            (Array(good.dropLast()), "ends after 11 of 12 bytes"),
            (good + [1], "is longer than its header says"),
            (idx([0, 2, 2], []), "has the shape [0, 2, 2]"),
            ([0, 0, 8, 4] + [UInt8](repeating: 255, count: 16), "claims"),
            (idx([1 << 31, 1 << 15, 4], []), "claims"),
        ] {
            try folder.write(bytes, to: "images")
            let error = #expect(throws: DataError.self) {
                try IDXDataset(images: "\(folder.path)/images", labels: nil)
            }
            #expect(error?.problem.contains(words) == true, "\(String(describing: error))")
            #expect(error?.place == "\(folder.path)/images")
        }
        folder.writeGzipped(good, to: "whole.gz")
        var zipped = try Array(
            Foundation.Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/whole.gz")))
        zipped[zipped.count - 6] ^= 1  // in the checksum
        try folder.write(zipped, to: "images")
        let error = #expect(throws: DataError.self) {
            try IDXDataset(images: "\(folder.path)/images", labels: nil)
        }
        #expect(error?.problem.contains("incorrect data check") == true)
    }

    @Test func labelsMustMatchThePictures() throws {
        let folder = try TemporaryFolder()
        try folder.write(idx([2, 1, 1], [1, 2]), to: "train-images-idx3-ubyte")
        try folder.write(idx([3], [0, 1, 2]), to: "train-labels-idx1-ubyte")
        let error = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(error?.problem == "has 3 labels for 2 pictures")
        let split = #expect(throws: DataError.self) {
            try openSource(folder.path, split: .validation)
        }
        #expect(split?.kind == .missing)
    }

    @Test func randomBytesNeverCrash() throws {
        let folder = try TemporaryFolder()
        var random = CounterRandom(seed: 8, purpose: .method)
        let good = idx([3, 2, 2], Array(0..<12))
        for _ in 0..<300 {
            var bytes = good
            for _ in 0..<3 {
                bytes[random.integer(in: 0..<bytes.count)] = UInt8(random.integer(in: 0..<256))
            }
            try folder.write(bytes, to: "images")
            if let data = try? IDXDataset(images: "\(folder.path)/images", labels: nil) {
                #expect(data.count * data.width * data.height * data.channels == 12)
            }
        }
    }

    static let fashion =
        NSHomeDirectory() + "/.cache/tessera/datasets/fashion-mnist"

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: fashion),
            "Fashion-MNIST is not in the cache; run make setup"))
    func fashionMNISTIsComplete() throws {
        let train = try openSource(Self.fashion, split: .train)
        let test = try openSource(Self.fashion, split: .validation)
        #expect((train.count, test.count) == (60_000, 10_000))
        #expect(train.classNames.count == 10 && test.classNames == train.classNames)
        let counts = (0..<train.count).reduce(into: [Int: Int]()) {
            $0[train.label(at: $1) ?? -1, default: 0] += 1
        }
        #expect(counts == Dictionary(uniqueKeysWithValues: (0..<10).map { ($0, 6000) }))
    }
}
