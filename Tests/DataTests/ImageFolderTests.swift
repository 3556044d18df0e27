import Foundation
import Imaging
import Testing

@testable import Data

@Suite("Folders of pictures") struct ImageFolderTests {
    @Test func firstLevelFoldersAreClasses() throws {
        let folder = try TemporaryFolder()
        for name in [
            "cat/2.jpg", "cat/10.JPEG", "dog/a/1.png", "dog/a-b/1.png", "dog/z.png",
            "ant/deep/er/x.jpg", "cat/.hidden.jpg", "cat/notes.txt",
        ] { try folder.writePicture(name, seed: name.count) }
        try folder.folder("bee")
        let source = try ImageFolder(folder.path)
        #expect(source.classNames == ["ant", "bee", "cat", "dog"])
        let names = (0..<source.count).map { source.name(at: $0).dropFirst(folder.path.count + 1) }
        // Byte order: "10" before "2", "a-b" before "a/".
        #expect(
            names == [
                "ant/deep/er/x.jpg", "cat/10.JPEG", "cat/2.jpg", "dog/z.png", "dog/a/1.png",
                "dog/a-b/1.png",
            ])
        #expect((0..<6).map { source.label(at: $0) } == [0, 2, 2, 3, 3, 3])
        #expect(try source.read(at: 3) == noise(width: 20, height: 16, channels: 3, seed: 9))
    }

    @Test(arguments: ["val", "validation", "test"]) func splitsAreFolders(name: String) throws {
        let folder = try TemporaryFolder()
        try folder.writePicture("train/a/1.png", seed: 1)
        try folder.writePicture("train/b/2.png", seed: 2)
        try folder.writePicture("\(name)/a/3.png", seed: 3)
        #expect(try openSource(folder.path, split: .train).count == 2)
        let validation = try openSource(folder.path, split: .validation)
        #expect(validation.count == 1)
        #expect(validation.label(at: 0) == 0)
        let all = try openSource(folder.path, split: .all)
        #expect(all.count == 3)
        #expect(all.classNames == ["train", name].sorted())
        #expect(all.notes.count == 1 && all.notes[0].contains("are taken for two classes"))
        #expect(validation.notes.isEmpty)
    }

    @Test func aFlatFolderHasNoLabels() throws {
        let folder = try TemporaryFolder()
        try folder.writePicture("b.jpg", seed: 1)
        try folder.writePicture("a.png", seed: 2)
        try folder.writePicture("more/c.png", seed: 3)
        let source = try openSource(folder.path)
        #expect(source.count == 3)
        #expect(!source.isLabelled)
        #expect(source.label(at: 0) == nil)
        #expect(source.name(at: 0).hasSuffix("/a.png"))
        let error = #expect(throws: DataError.self) {
            try openSource(folder.path, split: .validation)
        }
        #expect(error?.description.contains("has no folder val, valid, validation, test") == true)
    }

    @Test func foldersWithoutPicturesSayWhatWasLookedFor() throws {
        let folder = try TemporaryFolder()
        let empty = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(
            empty?.description
                == "\(folder.path): has no pictures; expected files ending in jpg, jpeg, png, "
                + "webp, jpe, jfif, tif, tiff, bmp, gif, npy in it or in folders below it")
        try folder.write([1], to: "x/a.heic")
        let foreign = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(
            foreign?.problem == "has no pictures (1 in forms that are not read, such as a.heic)")
        let missing = #expect(throws: DataError.self) { try openSource(folder.path + "/no") }
        #expect(missing?.kind == .missing)
        let file = #expect(throws: DataError.self) { try openSource(folder.path + "/x/a.heic") }
        #expect(file?.problem == "is one picture, expected a folder or a list of them")
    }

    @Test func numbersArePicturesOnlyWhereNothingElseIs() throws {
        let folder = try TemporaryFolder()
        for name in ["both/1.jpg", "both/1.npy", "alone/1.npy", "alone/2.NPY"] {
            try folder.write([1], to: name)
        }
        let source = try openSource(folder.path)
        let names = (0..<source.count).map { source.name(at: $0).dropFirst(folder.path.count + 1) }
        #expect(names == ["alone/1.npy", "alone/2.NPY", "both/1.jpg"])
    }

    @Test func whatIsLeftOutIsNoted() throws {
        let folder = try TemporaryFolder()
        try folder.writePicture("a/1.png", seed: 1)
        try folder.write([1], to: "a/2.avif")
        try folder.write([1], to: "b/old.tar")
        let bytes: [CChar] =
            Array("\(folder.path)/a/".utf8CString.dropLast()) + [-1, 46, 106, 112, 103, 0]
        close(open(bytes, O_CREAT | O_WRONLY, 0o644))
        let notes = try openSource(folder.path).notes
        #expect(
            notes.first == "2 files in forms that are not read are left out, such as 2.avif")
        #expect(notes.last?.hasPrefix("1 names that are not UTF-8 are left out") == true)
    }

    @Test(.enabled(if: geteuid() != 0, "root may read every folder"))
    func aFolderThatMayNotBeReadIsAnError() throws {
        let folder = try TemporaryFolder()
        try folder.writePicture("a/1.png", seed: 1)
        try folder.folder("locked")
        chmod("\(folder.path)/locked", 0)
        defer { chmod("\(folder.path)/locked", 0o755) }
        let error = #expect(throws: DataError.self) { try openSource(folder.path) }
        #expect(error?.kind == .unreadable)
    }

    @Test func linksAreFollowedAndLoopsEnd() throws {
        let folder = try TemporaryFolder()
        try folder.writePicture("a/1.png", seed: 1)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/a/up", withDestinationPath: folder.path)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/a/2.png", withDestinationPath: "\(folder.path)/a/1.png")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/a/3.png", withDestinationPath: "/no/where.png")
        let source = try openSource(folder.path)
        #expect(source.count == 2)
        #expect(try source.read(at: 0) == source.read(at: 1))
    }

    @Test func aFileThatBecameSomethingElseNamesItself() throws {
        let folder = try TemporaryFolder()
        for number in 1...3 { try folder.writePicture("a/\(number).png", seed: number) }
        let source = try openSource(folder.path + "/")
        #expect(source.name(at: 0) == "\(folder.path)/a/1.png")
        for number in 1...3 {
            try FileManager.default.removeItem(atPath: "\(folder.path)/a/\(number).png")
        }
        try folder.folder("a/1.png")
        mkfifo("\(folder.path)/a/2.png", 0o644)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/a/3.png", withDestinationPath: "/no/where.png")
        for (index, problem) in [
            "is not a regular file", "is not a regular file", "cannot be opened",
        ]
        .enumerated() {
            let error = #expect(throws: ImageError.self) { try source.read(at: index) }
            #expect(error?.description.contains("a/\(index + 1).png: \(problem)") == true)
        }
    }

    @Test func aVanishedFileNamesItself() throws {
        let folder = try TemporaryFolder()
        try folder.writePicture("a/1.png", seed: 1)
        let source = try openSource(folder.path)
        try FileManager.default.removeItem(atPath: "\(folder.path)/a/1.png")
        let error = #expect(throws: (any Error).self) { try source.read(at: 0) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("a/1.png: cannot be opened"))
    }
}
