import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("PyTorch checkpoints") struct PyTorchFileTests {
    static func open(_ bytes: [UInt8]) throws -> PyTorchFile {
        try PyTorchFile(path: "case.pth", contents: ByteSlice(copying: bytes))
    }

    static let layouts: [(PyTorchFile.Layout, [UInt8])] = [
        (.zip, Fixture.zip()), (.legacy, Fixture.legacy()), (.tar, Fixture.tar()),
    ]

    @Test("the same object in every layout", arguments: layouts.indices)
    func sameObject(index: Int) throws {
        let (layout, bytes) = Self.layouts[index]
        let file = try Self.open(bytes)
        #expect(file.layout == layout)
        #expect(file.root.children.map(\.name) == ["model", "step", "args"])
        let model = try file.tensors(under: ["model"])
        #expect(model.map(\.name) == ["w", "wt"])
        #expect(model[0].tensor.doubles() == [1, 2, 3, 4, 5, 6])
        #expect(model[1].tensor.doubles() == [1, 4, 2, 5, 3, 6])
        #expect(model[0].tensor.isContiguous && !model[1].tensor.isContiguous)
        #expect(model[1].tensor.contiguousBytes() == Fixture.floats([1, 4, 2, 5, 3, 6]))
        #expect(try file.value(at: ["step"]).tensor?.scalar == 7)
        #expect(try file.value(at: ["step"]).tensor?.elementType == .int64)
        #expect(try file.value(at: ["args", "lr"]).double == 0.5)
        #expect(try file.value(at: ["args", "name"]).string == "x")
        #expect(try file.tensors().map(\.name) == ["model.w", "model.wt", "step"])
        #expect(try file.verify() == (layout == .zip))
    }

    @Test("a path that does not exist names what there is") func missingKey() throws {
        let file = try Self.open(Fixture.zip())
        #expect {
            try file.tensors(under: ["model", "encoder"])
        } throws: { error in
            "\(error)" == "case.pth: model: has no entry 'encoder'; it has 'w', 'wt'"
        }
    }

    @Test("packed records, zip64 fields") func zipForms() throws {
        var entries = [
            ZipBytes.Entry(name: "a/data.pkl", contents: Fixture.object(), isDeflated: true),
            ZipBytes.Entry(name: "a/data/0", contents: Fixture.weight.storage, isDeflated: true),
            ZipBytes.Entry(name: "a/data/1", contents: Fixture.step.storage, isDeflated: true),
        ]
        for wide in [false, true] {
            let file = try Self.open(ZipBytes.archive(entries, wide: wide))
            #expect(try file.tensors()[0].tensor.doubles() == [1, 2, 3, 4, 5, 6])
            #expect(try file.verify())
        }
        entries[1].contents = []
        entries.append(.init(name: "a/data/2", contents: [], isDeflated: true))
        #expect(throws: TensorFileError.self) { try Self.open(ZipBytes.archive(entries)) }
    }

    @Test("the highest byte first") func bigEndian() throws {
        let swapped = stride(from: 0, to: Fixture.weight.storage.count, by: 4).flatMap {
            Fixture.weight.storage[$0..<$0 + 4].reversed()
        }
        let file = try Self.open(
            Fixture.zip(
                storages: [("0", swapped), ("1", [0, 0, 0, 0, 0, 0, 0, 7])], byteOrder: "big"))
        #expect(try file.tensors()[0].tensor.doubles() == [1, 2, 3, 4, 5, 6])
        #expect(try file.tensors()[1].tensor.doubles() == [1, 4, 2, 5, 3, 6])
        #expect(try file.tensors()[2].tensor.scalar == 7)
        #expect(throws: TensorFileError.self) { try Self.open(Fixture.zip(byteOrder: "middle")) }
        #expect(throws: TensorFileError.self) {
            try Self.open(Fixture.legacy(isLittleEndian: false))
        }
    }

    static func zip(of tensor: Fixture.Tensor, numel: Int? = nil) -> [UInt8] {
        Fixture.zip(
            PickleBytes.program { $0.tensor(tensor, numel: numel) },
            storages: [(tensor.key, tensor.storage)])
    }

    @Test("every storage class") func storageClasses() throws {
        let classes: [(String, [UInt8], Double)] = [
            ("DoubleStorage", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], 1.5),
            ("FloatStorage", [0, 0, 0xC0, 0x3F], 1.5), ("HalfStorage", [0, 0x3E], 1.5),
            ("BFloat16Storage", [0xC0, 0x3F], 1.5),
            ("LongStorage", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], -1),
            ("IntStorage", [0xFF, 0xFF, 0xFF, 0xFF], -1), ("ShortStorage", [0xFE, 0xFF], -2),
            ("CharStorage", [0xFD], -3), ("ByteStorage", [0xFD], 253), ("BoolStorage", [1], 1),
        ]
        for (name, bytes, value) in classes {
            let tensor = Fixture.Tensor(
                storageClass: name, elementSize: bytes.count, storage: bytes + bytes,
                offset: 1, shape: [1], strides: [1])
            #expect(
                try Self.open(Self.zip(of: tensor)).root.tensor?.doubles() == [value], "\(name)")
        }
        for (name, size) in [("QInt8Storage", 1), ("ComplexFloatStorage", 8)] {
            let tensor = Fixture.Tensor(
                storageClass: name, elementSize: size, storage: [UInt8](repeating: 0, count: size),
                shape: [1], strides: [1])
            let file = try Self.open(Self.zip(of: tensor))
            #expect {
                try file.tensors()
            } throws: { error in
                (error as? TensorFileError)?.kind == .unsupported
            }
            #expect(try file.scan().refused.count == 1)
        }
    }

    @Test("views must lie inside their storage") func views() throws {
        let storage = Fixture.floats([0, 1, 2, 3, 4, 5])
        func read(_ shape: [Int], _ strides: [Int], _ offset: Int, numel: Int? = nil) throws
            -> [Double]?
        {
            let tensor = Fixture.Tensor(
                storage: storage, offset: offset, shape: shape, strides: strides)
            let file = try Self.open(Self.zip(of: tensor, numel: numel))
            return try file.tensors().first?.tensor.doubles()
        }
        #expect(try read([2, 2], [3, 1], 0) == [0, 1, 3, 4])
        #expect(try read([3], [2], 1) == [1, 3, 5])
        #expect(try read([2, 3], [0, 1], 3) == [3, 4, 5, 3, 4, 5])
        #expect(try read([0, 9], [9, 1], 6) == [])
        #expect(try read([], [], 5) == [5])
        for (shape, strides, offset, numel) in [
            ([7], [1], 0, nil), ([3], [2], 2, nil), ([1], [1], 6, nil), ([1], [1], -1, nil),
            ([2], [-1], 1, nil), ([-1], [1], 0, nil), ([2, 2], [1], 0, nil), ([1], [1], 0, 7),
            ([1 << 30, 1 << 30, 1 << 30], [0, 0, 0], 0, nil), ([1 << 30], [0], 0, nil),
            ([2], [1 << 30], 0, nil), ([1], [1], 0, -1),
        ] as [([Int], [Int], Int, Int?)] {
            #expect(throws: TensorFileError.self, "\(shape) \(strides) \(offset)") {
                _ = try read(shape, strides, offset, numel: numel)
            }
        }
    }

    @Test("a pickled module gives the names of its state dict") func module() throws {
        func module(
            _ p: inout PickleBytes, parameters: (inout PickleBytes) -> Void,
            buffers: (inout PickleBytes) -> Void, children: (inout PickleBytes) -> Void
        ) {
            p.global("some.where", "Layer")
            p.op(")")
            p.raw(0x81)
            p.dict { p in
                p.text("_modules")
                p.dict(children)
                p.text("_buffers")
                p.dict(buffers)
                p.text("_parameters")
                p.dict(parameters)
                p.text("_non_persistent_buffers_set")
                p.global("__builtin__", "set")
                p.tuple { p in
                    p.op("]")
                    p.text("cache")
                    p.op("a")
                }
                p.op("R")
            }
            p.op("b")
        }
        let program = PickleBytes.program { p in
            module(&p) { p in
                p.text("scale")
                p.global("torch._utils", "_rebuild_parameter")
                p.tuple { p in
                    p.tensor(Fixture.weight)
                    p.bool(true)
                    p.global("collections", "OrderedDict")
                    p.op(")")
                    p.op("R")
                }
                p.op("R")
                p.text("bias")
                p.op("N")
            } buffers: { p in
                p.text("cache")
                p.tensor(Fixture.step)
                p.text("steps")
                p.tensor(Fixture.step)
            } children: { p in
                p.text("0")
                module(&p) { p in
                    p.text("w")
                    p.tensor(Fixture.transposed)
                } buffers: { _ in
                } children: { _ in
                }
            }
        }
        let file = try Self.open(Fixture.zip(program))
        #expect(try file.tensors().map(\.name) == ["scale", "steps", "0.w"])
        guard case .object(let object) = file.root.content else {
            Issue.record("the root is no object")
            return
        }
        #expect(object.name == "some.where.Layer" && !object.isCall)
    }

    @Test("the weights of TorchScript are read, its programs are not looked at")
    func torchScript() throws {
        let plain = try Self.open(Fixture.zip()).tensors()
        for name in ["archive/constants.pkl", "archive/code/__torch__.py"] {
            let file = try Self.open(Fixture.zip(extra: [.init(name: name, contents: [1])]))
            #expect(file.layout == .torchScript)
            #expect(try file.tensors().map(\.name) == plain.map(\.name))
            #expect(
                try file.tensors().map { $0.tensor.doubles() } == plain.map { $0.tensor.doubles() })
        }
    }

    @Test("tensors inside a bare pickle") func bareTensor() throws {
        // pickle.dump of a tensor: the storage is a legacy file inside.
        let inner = Fixture.legacy(
            PickleBytes.program { $0.storage(Fixture.weight, legacy: true) },
            storages: [("0", Fixture.weight.storage, 4)])
        let program = PickleBytes.program { p in
            p.global("torch._utils", "_rebuild_tensor_v2")
            p.tuple { p in
                p.global("torch.storage", "_load_from_bytes")
                p.tuple { p in
                    p.op("B")
                    p.append(UInt32(inner.count))
                    p.bytes += inner
                }
                p.op("R")
                p.int(1)
                p.ints([2])
                p.ints([1])
                p.bool(false)
                p.op("N")
            }
            p.op("R")
        }
        let file = try Self.open(program)
        #expect(file.layout == .pickle)
        #expect(file.root.tensor?.doubles() == [1, 2])
    }

    @Test("views of storages in the legacy form") func legacyViews() throws {
        let program = PickleBytes.program { p in
            p.global("torch._utils", "_rebuild_tensor")
            p.tuple { p in
                p.tuple { p in
                    p.text("storage")
                    p.global("torch", "FloatStorage")
                    p.text("view")
                    p.text("cpu")
                    p.int(7)
                    p.tuple { p in
                        p.text("view of 0")
                        p.int(2)
                        p.int(3)
                    }
                }
                p.op("Q")
                p.int(1)
                p.ints([2])
                p.ints([1])
            }
            p.op("R")
        }
        let file = try Self.open(
            Fixture.legacy(program, storages: [("view of 0", Fixture.weight.storage, 4)]))
        #expect(file.root.tensor?.doubles() == [3, 4])
    }

    @Test("what is no checkpoint is named") func foreign() throws {
        for (bytes, message) in [
            ([], "is empty"), (Array("<!DOCTYPE html>".utf8), "web page"),
            (Array("version https://git-lfs.github.com/spec/v1".utf8), "git lfs pull"),
            ([0x1F, 0x8B, 8, 0], "gzip"), ([0x89] + Array("HDF".utf8), "HDF5"),
            (Array("PK\u{3}\u{4}".utf8), "without its directory"), ([1, 2, 3], "no checkpoint"),
            (ZipBytes.archive([.init(name: "x.txt", contents: [])]), "without data.pkl"),
            (Fixture.tarArchive([("x.txt", [])]), "without 'storages'"),
        ] as [([UInt8], String)] {
            #expect {
                try Self.open(bytes)
            } throws: { error in
                "\(error)".contains(message) && "\(error)".hasPrefix("case.pth: ")
            }
        }
    }

    @Test("any form through one door") func checkpointFile() throws {
        let folder = try TemporaryFolder()
        let pth = try CheckpointFile(path: folder.write(Fixture.zip(), as: "a.pth"))
        #expect(pth.form == "PyTorch (zip)")
        let tensors = try pth.tensors(under: ["model"])
        #expect(tensors.count == 2)
        try SafeTensorsWriter.write(
            try pth.tensors(), to: folder.file("a.weights"), metadata: ["a": "b"])
        let converted = try CheckpointFile(path: folder.file("a.weights"))
        #expect(converted.form == "safetensors")
        for (name, tensor) in try converted.tensors(under: ["model"]) {
            let original = try #require(tensors.first { $0.name == name })
            #expect(tensor.contiguousBytes() == original.tensor.contiguousBytes())
            #expect(tensor.isContiguous)
        }
        #expect(throws: TensorFileError.self) { try converted.tensors(under: ["none"]) }
    }
}
