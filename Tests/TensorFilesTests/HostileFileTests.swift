import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("Hostile files") struct HostileFileTests {
    static let whole = Samples.whole

    @Test("the whole files open as what they are, with tensors", arguments: whole.indices)
    func wholeFiles(index: Int) throws {
        let forms = [
            "zip": "PyTorch (zip)", "deflated": "PyTorch (zip)", "legacy": "PyTorch (legacy)",
            "tar": "PyTorch (tar)", "pickle": "pickle", "safetensors": "safetensors", "npy": "npy",
        ]
        let (name, bytes) = Self.whole[index]
        let found = try Exploration.explore(bytes)
        #expect(found.form == forms[name], "\(name)")
        // A bare pickle has no storages.
        #expect(name == "pickle" || found.tensorCount > 0, "\(name)")
    }

    @Test("an array in column order") func columnOrder() throws {
        let file = try NumpyFile(path: "case.npy", contents: ByteSlice(copying: Samples.npy))
        #expect(file.tensor.shape == [2, 3])
        #expect(file.tensor.doubles() == [1, 3, 5, 2, 4, 6])
    }

    @Test("what is written as .npy is read", arguments: [[], [3], [2, 3], [2, 0, 5]])
    func numpyHeader(shape: [Int]) throws {
        let count = shape.reduce(1, *)
        let header = NumpyHeader.bytes(.float32, shape: shape)
        #expect(header.count % 64 == 0)
        let data = Fixture.floats((0..<count).map { Float($0) })
        let file = try NumpyFile(path: "case.npy", contents: ByteSlice(copying: header + data))
        #expect(file.tensor.shape == shape && file.tensor.elementType == .float32)
        #expect(file.tensor.doubles() == (0..<count).map { Double($0) })
    }

    @Test("cut at every byte, a file is refused", arguments: whole.indices)
    func truncated(index: Int) throws {
        let (name, bytes) = Self.whole[index]
        for count in 0..<bytes.count {
            do throws(TensorFileError) {
                try Exploration.explore(Array(bytes[..<count]))
                // A tar archive ends in padding that carries nothing.
                #expect(
                    name == "tar" && count >= bytes.count - 1024 - 512, "\(name) cut at \(count)")
            } catch { #expect(error.file == "case") }
        }
    }

    @Test("with any one bit changed, a file is read or refused", arguments: whole.indices)
    func bitFlips(index: Int) throws {
        let bytes = Self.whole[index].1
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1 << UInt8(position % 8)
            do throws(TensorFileError) {
                try Exploration.explore(changed)
            } catch { #expect(error.file == "case") }
        }
    }

    // MARK: Zip

    static func zipError(_ entries: [ZipBytes.Entry], wide: Bool = false) -> TensorFileError? {
        let program = ZipBytes.Entry(name: "a/data.pkl", contents: Fixture.object())
        let storage = ZipBytes.Entry(name: "a/data/1", contents: Fixture.step.storage)
        let bytes = ZipBytes.archive([program, storage] + entries, wide: wide)
        do throws(TensorFileError) {
            _ = try PyTorchFile(path: "case", contents: ByteSlice(copying: bytes))
            return nil
        } catch { return error }
    }

    @Test("zip bombs, lies and locks") func zips() throws {
        let zeros = [UInt8](repeating: 0, count: 3 << 20)
        let bomb = Self.zipError([.init(name: "a/data/0", contents: zeros, isDeflated: true)])
        #expect(bomb?.kind == .limit && bomb?.remedy?.contains("zip bomb") == true)

        func error(_ change: (inout ZipBytes.Entry) -> Void) -> TensorFileError? {
            var entry = ZipBytes.Entry(name: "a/data/0", contents: Fixture.weight.storage)
            change(&entry)
            return Self.zipError([entry])
        }
        #expect(error { _ in } == nil)
        #expect(error { $0.flags = 1 }?.problem == "is encrypted")
        #expect(error { $0.method = 12 }?.problem.contains("method 12") == true)
        #expect(error { $0.claimedSize = 29 }?.problem.contains("stored in 28 bytes") == true)
        for size in [1, 27, 29, 1 << 20, 1 << 31] {
            #expect(
                error {
                    $0.isDeflated = true
                    $0.claimedSize = size
                } != nil, "\(size)")
        }
        #expect(
            error {
                $0.isDeflated = true
                $0.claimedChecksum = 1
            }?.kind == .checksum)
        let twice = ZipBytes.Entry(name: "a/data/0", contents: Fixture.weight.storage)
        #expect(Self.zipError([twice, twice])?.problem == "is in the archive twice")
        #expect(Self.zipError([])?.problem == "lacks storage '0'")
    }

    @Test("the unpacking budget is for the whole file") func budget() throws {
        var limits = PickleLimits()
        limits.unpackedBytes = 40
        let bytes = ZipBytes.archive([
            .init(name: "a/data.pkl", contents: Fixture.object()),
            .init(name: "a/data/0", contents: Fixture.weight.storage, isDeflated: true),
            .init(name: "a/data/1", contents: Fixture.step.storage, isDeflated: true),
        ])
        _ = try PyTorchFile(path: "case", contents: ByteSlice(copying: bytes), limits: limits)
        limits.unpackedBytes = 35
        #expect {
            try PyTorchFile(path: "case", contents: ByteSlice(copying: bytes), limits: limits)
        } throws: { error in
            (error as? TensorFileError)?.kind == .limit
        }
    }

    @Test("entries that share bytes are refused") func overlap() throws {
        var bytes = Fixture.zip()
        // Both directory entries of the storages point at the first one's header: the quine trick.
        let archive = try ZipArchive(ByteSlice(copying: bytes), file: "case")
        let first = try #require(archive["archive/data/0"])
        let second = try #require(archive["archive/data/1"])
        func littleEndian(_ value: Int) -> [UInt8] {
            withUnsafeBytes(of: UInt32(value).littleEndian) { [UInt8]($0) }
        }
        let target = littleEndian(second.headerOffset) + Array("archive/data/1".utf8)
        let place = try #require(bytes.firstRange(of: target))
        bytes.replaceSubrange(
            place, with: littleEndian(first.headerOffset) + Array("archive/data/0".utf8))
        #expect(throws: TensorFileError.self) { try Exploration.explore(bytes) }
        // A header inside the data of another entry.
        let inner = ZipBytes.archive([.init(name: "archive/data/1", contents: [1])])
        let outer = Fixture.zip(
            storages: [("0", inner + [UInt8](repeating: 0, count: 200)), ("1", [1])])
        let outerArchive = try ZipArchive(ByteSlice(copying: outer), file: "case")
        let container = try #require(outerArchive["archive/data/0"])
        let real = try #require(outerArchive["archive/data/1"])
        var moved = outer
        var from = littleEndian(real.headerOffset) + Array("archive/data/1".utf8)
        let directoryPlace = try #require(moved.firstRange(of: from))
        from = littleEndian(container.dataOffset) + Array("archive/data/1".utf8)
        moved.replaceSubrange(directoryPlace, with: from)
        #expect {
            try ZipArchive(ByteSlice(copying: moved), file: "case")
        } throws: { error in
            (error as? TensorFileError)?.problem == "overlaps 'archive/data/1'"
        }
    }

    @Test("a changed byte of a storage is found by verify") func verification() throws {
        var bytes = Fixture.zip()
        let place = try #require(bytes.firstRange(of: Fixture.weight.storage))
        bytes[place.lowerBound] ^= 1
        let file = try PyTorchFile(path: "case", contents: ByteSlice(copying: bytes))
        #expect {
            try file.verify()
        } throws: { error in
            (error as? TensorFileError)?.kind == .checksum
        }
        // The pickle itself is checked on opening.
        var other = Fixture.zip()
        let text = try #require(other.firstRange(of: Array("model".utf8)))
        other[text.lowerBound] = UInt8(ascii: "M")
        #expect {
            try Exploration.explore(other)
        } throws: { error in
            (error as? TensorFileError)?.kind == .checksum
        }
    }

    // MARK: Pickles that want to run something

    static let attacks = PicklePrograms.attacks

    @Test("are records, in a bare pickle and in a checkpoint", arguments: attacks.indices)
    func attack(index: Int) throws {
        let bytes = Self.attacks[index].unicodeScalars.map { UInt8($0.value) }
        for file in [bytes, Fixture.zip(bytes, storages: [])] {
            let read = try PyTorchFile(path: "case", contents: ByteSlice(copying: file))
            #expect(try read.tensors().isEmpty)
            #expect(!"\(read.root)".isEmpty)
        }
    }

    @Test("a call is shown as what it would have been") func shown() throws {
        let bytes = Fixture.zip(Array("cos\nsystem\n(S'id'\ntR.".utf8), storages: [])
        let root = try PyTorchFile(path: "case", contents: ByteSlice(copying: bytes)).root
        guard case .object(let object) = root.content else {
            Issue.record("no record of the call")
            return
        }
        #expect(object.name == "os.system" && object.isCall)
        #expect(object.arguments["0"]?.string == "id")
        #expect("\(root)" == "os.system('id')")
    }
}
