import Foundation
import Imaging
import Testing

@testable import Data

@Suite("Lists, subsets and mixes") struct ListSourceTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for (seed, name) in [
            "train/a/a_1.png", "train/a/a_2.png", "train/b/b_1.png", "val/b/b_9.png",
        ]
        .enumerated() { try folder.writePicture(name, seed: seed) }
    }

    func list(_ text: String) throws -> String {
        try folder.write(Array(text.utf8), to: "list.txt")
        return "\(folder.path)/list.txt"
    }

    @Test func pathsAreRelativeToTheList() throws {
        let path = try list(
            "\u{FEFF}# a comment\r\ntrain/b/b_1.png\r\n\r\n\(folder.path)/val/b/b_9.png\ntrain/a/a_1.png"
        )
        let source = try openSource(path)
        #expect(source.count == 3 && !source.isLabelled)
        #expect(source.name(at: 0) == "\(folder.path)/train/b/b_1.png")
        #expect(try source.read(at: 1) == noise(width: 20, height: 16, channels: 3, seed: 3))
        let error = #expect(throws: DataError.self) { try openSource(path, split: .validation) }
        #expect(error?.kind == .missing)
    }

    @Test(arguments: ["\t", " ", ",", ", "]) func labelsStandBehindTheEnding(divider: String) throws
    {
        let numbers = try openSource(
            list("train/a/a_1.png\(divider)2\ntrain/b/b_1.png\(divider)0\n"))
        #expect(numbers.classNames == ["0", "1", "2"])
        #expect((0..<2).map { numbers.label(at: $0) } == [2, 0])
        let names = try openSource(
            list("train/b/b_1.png\(divider)wolf\ntrain/a/a_1.png\(divider)cat\n"))
        #expect(names.classNames == ["cat", "wolf"])
        #expect((0..<2).map { names.label(at: $0) } == [1, 0])
    }

    @Test func spacesAndCommasMayBePartOfAName() throws {
        try folder.writePicture("my, own/pic 1.png", seed: 1)
        let source = try openSource(list("my, own/pic 1.png\n"))
        #expect(source.name(at: 0) == "\(folder.path)/my, own/pic 1.png")
    }

    @Test(arguments: [
        ("train/a/a_1.png 1\ntrain/b/b_1.png\n", "has labels for 1 of its 2 pictures"),
        ("train/a/a_1.png\nsomething\n", "is 'something', expected the path of a picture"),
        ("\n# nothing\n", "names no pictures"),
        ("a/1.png\nb/2.png\n", "names pictures that are not"),
        ("\u{0}\u{1}\n", "expected the path of a picture"),
    ])
    func wrongListsSayWhy(text: String, problem: String) throws {
        let path = try list(text)
        let error = #expect(throws: DataError.self) { try openSource(path) }
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
        #expect(error?.place.hasPrefix(path) == true)
    }

    @Test func linesThatAreNoTextAreRefused() throws {
        try folder.write([0xFF, 0xFE, 0x2E, 0x6A, 0x70, 0x67], to: "binary.txt")
        let error = #expect(throws: DataError.self) { try openSource("\(folder.path)/binary.txt") }
        #expect(error?.place == "\(folder.path)/binary.txt, line 1")
    }

    @Test func picturesThatWentAreNoted() throws {
        let source = try openSource(list("train/a/a_1.png\nnot/there.png\n"))
        #expect(source.notes.first?.contains("\(folder.path)/not/there.png") == true)
        let error = #expect(throws: (any Error).self) { try source.read(at: 1) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("not/there.png: cannot be opened"))
    }

    @Test func subsetsTakeNamesAndPathsOfAFolder() throws {
        let path = try list("b_1.png\na/a_2.png\n")
        let subset = try openSource("\(path):\(folder.path)")
        #expect(subset.count == 2)
        #expect(subset.classNames == ["a", "b"])
        #expect((0..<2).map { subset.label(at: $0) } == [1, 0])
        #expect(subset.name(at: 1) == "\(folder.path)/train/a/a_2.png")
        #expect(try subset.read(at: 0) == noise(width: 20, height: 16, channels: 3, seed: 2))
        // A test set is never cut down.
        #expect(try openSource("\(path):\(folder.path)", split: .validation).count == 1)
        let other = try SubsetSource(openSource(folder.path), numbers: [2, 1])
        #expect(subset.fingerprint == other.fingerprint)
        #expect(
            try SubsetSource(openSource(folder.path), numbers: [1, 2]).fingerprint
                != other.fingerprint)
    }

    @Test func subsetsOfUnknownOrDoubtfulPicturesAreRefused() throws {
        let unknown = try list("a_1.png\nnone.png\n_1.png\n")
        let error = #expect(throws: DataError.self) { try openSource("\(unknown):\(folder.path)") }
        #expect(
            error?.problem.hasPrefix("names 2 of 3 pictures that are not there, such as none.png")
                == true)
        try folder.writePicture("train/b/a_1.png", seed: 7)
        let doubtful = try list("a_1.png\n")
        let twice = #expect(throws: DataError.self) { try openSource("\(doubtful):\(folder.path)") }
        #expect(twice?.problem.contains("which is both") == true)
        #expect(try openSource("\(list("b/a_1.png\n")):\(folder.path)").label(at: 0) == 1)
        let again = try openSource("\(list("b_1.png\nb_1.png\n")):\(folder.path)")
        #expect(again.count == 2 && again.notes.count == 1)
    }

    @Test func mixesUniteClassesByName() throws {
        let one = try ImageFolder("\(folder.path)/train", split: .all)
        let two = try ImageFolder("\(folder.path)/val", split: .all)
        let mix = try MixedSource([("one", one, 0.25), ("two", two, nil)])
        #expect(mix.count == 4)
        #expect(mix.classNames == ["a", "b"])
        #expect((0..<4).map { mix.label(at: $0) } == [0, 0, 1, 1])
        #expect(mix.parts.map(\.range) == [0..<3, 3..<4])
        #expect(mix.parts.map(\.weight) == [0.25, 1])
        #expect(try mix.read(at: 3) == two.read(at: 0))
        #expect(mix.name(at: 3) == two.name(at: 0))
        let other = try MixedSource([("one", one, 0.5), ("two", two, nil)])
        #expect(other.fingerprint != mix.fingerprint)
        let plain = try openSource(list("train/a/a_1.png\n"))
        let half = try MixedSource([("one", one, nil), ("plain", plain, nil)])
        #expect(!half.isLabelled && half.label(at: 0) == nil)
        #expect(half.notes == ["no label is used, for plain has none"])
        #expect(throws: DataError.self) { try MixedSource([("one", one, 0)]) }
        #expect(throws: DataError.self) { try MixedSource([]) }
    }
}
