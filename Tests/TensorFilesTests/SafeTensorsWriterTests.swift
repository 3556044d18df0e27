import Foundation
import Glibc
import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("Safetensors writing") struct SafeTensorsWriterTests {
    struct Case {
        var entries: [SafeTensorsWriter.Entry] = []
        var bytes: [String: [UInt8]] = [:]
        var metadata: [String: String] = [:]

        /// Random types, shapes (zero sizes included), contents, names and metadata.
        init(seed: UInt64) {
            var random = Repeatable(state: seed)
            let odd = ["é", "\"", "\\", "/", "\u{1}", "日本", " ", "a.b", "", "\n"]
            for index in 0..<Int.random(in: 0...12, using: &random) {
                let type = ElementType.allCases[
                    Int.random(in: 0..<ElementType.allCases.count, using: &random)]
                let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    Int.random(in: 0...5, using: &random)
                }
                let name = "\(index)" + odd[Int.random(in: 0..<odd.count, using: &random)]
                entries.append(.init(name: name, elementType: type, shape: shape))
                bytes[name] = (0..<entries[index].byteCount).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            for text in odd.prefix(Int.random(in: 0...odd.count, using: &random)) {
                metadata[text] = text + text
            }
        }

        func write(to path: String) throws {
            let writer = try SafeTensorsWriter(path: path, entries: entries, metadata: metadata)
            for entry in writer.entries {
                let all = bytes[entry.name, default: []]
                let cut = all.count / 3
                try all[..<cut].withUnsafeBytes { try writer.append($0) }
                try all[cut...].withUnsafeBytes { try writer.append($0) }
            }
            try writer.finish()
        }
    }

    @Test("what is written is read", arguments: 0..<40 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let item = Case(seed: seed)
        let path = folder.file("a.safetensors")
        try item.write(to: path)
        let file = try SafeTensorsFile(path: path)
        #expect(Set(file.names) == Set(item.bytes.keys))
        for entry in item.entries {
            let tensor = try file.tensor(entry.name)
            #expect(tensor.elementType == entry.elementType && tensor.shape == entry.shape)
            #expect(tensor.contiguousBytes() == item.bytes[entry.name])
        }
        for (key, value) in item.metadata { #expect(file.metadata[key] == value) }
        #expect(file.metadata.count == item.metadata.count + 2)
        #expect(try file.verify())
        // The header ends, and each tensor starts, at a multiple of its element size.
        let contents = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(contents[0] % 8 == 0)
        for name in file.names {
            let tensor = try file.tensor(name)
            if tensor.count > 0 {
                let address = UInt(bitPattern: try file.bytes(of: name).baseAddress)
                #expect(address % UInt(tensor.elementType.byteCount) == 0)
            }
        }
        // The same input gives the same file, and a file's own tensors give it again.
        let second = folder.file("b.safetensors")
        try item.write(to: second)
        #expect(try Data(contentsOf: URL(fileURLWithPath: second)) == contents)
        try SafeTensorsWriter.write(
            item.entries.map { ($0.name, try file.tensor($0.name)) }, to: second,
            metadata: file.metadata)
        #expect(try Data(contentsOf: URL(fileURLWithPath: second)) == contents)
        #expect(try folder.names == ["a.safetensors", "b.safetensors"])
    }

    @Test("every changed byte is noticed") func verification() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.safetensors")
        try Case(seed: 3).write(to: path)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for index in bytes.indices {
            for bit in [UInt8(1), 0x20] {
                var changed = bytes
                changed[index] ^= bit
                #expect(throws: TensorFileError.self, "byte \(index)") {
                    let file = try SafeTensorsFile(
                        path: path, contents: ByteSlice(copying: changed))
                    // A changed key of a checksum is seen as a file without one.
                    if try !file.verify() {
                        throw TensorFileError(.checksum, file: path, problem: "no checksum")
                    }
                }
            }
        }
    }

    @Test("impossible entries are refused") func impossible() throws {
        let folder = try TemporaryFolder()
        let entry = SafeTensorsWriter.Entry(name: "a", elementType: .float32, shape: [1])
        for entries in [
            [entry, entry], [.init(name: "__metadata__", elementType: .uint8, shape: [])],
            [.init(name: "b", elementType: .uint8, shape: [-1])],
            [.init(name: "b", elementType: .uint8, shape: [1 << 40, 1 << 40])],
        ] {
            #expect(throws: TensorFileError.self) {
                try SafeTensorsWriter(path: folder.file("a"), entries: entries)
            }
        }
        #expect(try folder.names == [])
    }

    @Test("an abandoned writer leaves the old file alone") func abandoned() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2, 3], as: "a")
        do {
            let entry = SafeTensorsWriter.Entry(name: "a", elementType: .uint8, shape: [1])
            _ = try SafeTensorsWriter(path: path, entries: [entry])
        }
        #expect(try folder.names == ["a"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
    }
}

@Suite("Atomic files") struct AtomicFileTests {
    @Test("a disk that fills up at any byte leaves the old file", arguments: 0..<20)
    func diskFull(capacity: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([9], as: "a")
        var system = AtomicFile.System()
        // Accepts three bytes at a time until `capacity` are in the file.
        system.write = { descriptor, bytes, count in
            let room = capacity - Int(lseek(descriptor, 0, SEEK_CUR))
            if room <= 0 {
                errno = ENOSPC
                return -1
            }
            return write(descriptor, bytes, min(count, room, 3))
        }
        #expect {
            let file = try AtomicFile(path: path, system: system)
            try [UInt8](0..<20).withUnsafeBytes { try file.write($0) }
            try file.commit()
        } throws: { error in
            let error = error as? TensorFileError
            return error?.kind == .diskFull && error?.file == path
                && error?.problem.contains("No space left") == true
                && error?.remedy?.contains("make room") == true
        }
        #expect(try folder.names == ["a"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([9]))
    }

    @Test("a failing flush leaves the old file") func flushFails() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([9], as: "a")
        var system = AtomicFile.System()
        system.sync = { _ in
            errno = EIO
            return -1
        }
        let file = try AtomicFile(path: path, system: system)
        try [UInt8](0..<20).withUnsafeBytes { try file.write($0) }
        #expect { try file.commit() } throws: { error in
            (error as? TensorFileError)?.kind == .unwritable
        }
        #expect(try folder.names == ["a"])
    }

    @Test("the operating system's own limit is reported") func kernelLimit() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let folder = try TemporaryFolder()
            let path = try folder.write([9], as: "a")
            var limit = rlimit(rlim_cur: 10_000, rlim_max: 10_000)
            #expect(setrlimit(__rlimit_resource_t(1), &limit) == 0)
            let file = try AtomicFile(path: path)
            let bytes = [UInt8](repeating: 1, count: 20_000)
            #expect { try bytes.withUnsafeBytes { try file.write($0) } } throws: { error in
                (error as? TensorFileError)?.kind == .diskFull
            }
            #expect(try folder.names == ["a"])
        }
    }

    @Test("a folder that does not exist") func noFolder() throws {
        let folder = try TemporaryFolder()
        #expect { try AtomicFile(path: folder.file("none/a")) } throws: { error in
            "\(error)".contains("cannot be created in \(folder.file("none"))")
        }
    }

    @Test("what a killed program left is removed, what a living one writes is not")
    func leftovers() throws {
        let folder = try TemporaryFolder()
        // No process has this id: it is above the kernel's largest.
        try folder.write([1], as: ".a.2000000000-1.tmp")
        try folder.write([1], as: ".a.1-1.tmp")
        try folder.write([1], as: ".ab.2000000000-1.tmp")
        let file = try AtomicFile(path: folder.file("a"))
        try file.commit()
        #expect(try folder.names == [".a.1-1.tmp", ".ab.2000000000-1.tmp", "a"])
    }
}
