import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("State dictionaries in a file") struct StateDictionaryTests {
    private func parts(_ bytes: [UInt8]) throws -> [StateDictionary] {
        try CheckpointFile(path: "x.pth", contents: ByteSlice(copying: bytes)).stateDictionaries()
    }

    @Test("a model, and a tensor beside it") func model() throws {
        let parts = try parts(Fixture.zip())
        #expect(parts.map(\.name) == ["", "model"])
        #expect(parts.map { $0.tensors.map(\.name) } == [["step"], ["w", "wt"]])
        #expect(parts.allSatisfy { $0.kind == .weights })
        #expect(parts[1].prefix == "model." && parts[0].prefix.isEmpty)
        #expect(parts[1].elementCount == 12 && parts[1].byteCount == 48)
    }

    @Test("an optimizer's state is one part, whatever its depth") func optimizer() throws {
        let program = PickleBytes.program { p in
            p.dict { p in
                p.text("student")
                p.dict { p in
                    p.text("module.w")
                    p.tensor(Fixture.weight)
                }
                p.text("outer")
                p.dict { p in
                    p.text("optimizer")
                    p.dict { p in
                        p.text("state")
                        p.dict { p in
                            p.int(0)
                            p.dict { p in
                                p.text("exp_avg")
                                p.tensor(Fixture.weight)
                                p.text("step")
                                p.tensor(Fixture.step)
                            }
                        }
                        p.text("param_groups")
                        p.op("]")
                    }
                    p.text("trunk")
                    p.dict { p in
                        p.text("a.b")
                        p.tensor(Fixture.weight)
                    }
                }
            }
        }
        let parts = try parts(Fixture.zip(program))
        #expect(parts.map(\.name) == ["student", "outer.optimizer", "outer.trunk"])
        #expect(parts.map(\.kind) == [.weights, .optimizer, .weights])
        #expect(parts[1].tensors.map(\.name) == ["state.0.exp_avg", "state.0.step"])
        #expect(parts[2].tensors.map(\.name) == ["a.b"])
    }

    @Test("a bare tensor") func bare() throws {
        let parts = try parts(Fixture.zip(PickleBytes.program { $0.tensor(Fixture.weight) }))
        #expect(parts.map(\.name) == [""] && parts[0].tensors.map(\.name) == [""])
    }

    @Test(
        "names of a safetensors file are divided where two are known",
        arguments: [
            (["student.w", "teacher.w", "loss"], ["student": 1, "teacher": 1, "": 1]),
            (["model.a", "model.b", "optim.exp_avg.a"], ["model": 2, "optim": 1]),
            (["encoder.layer.0.w", "pooler.w"], ["": 2]), (["blocks.0.w", "norm.b"], ["": 2]),
        ])
    func safeTensors(names: [String], expected: [String: Int]) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.safetensors")
        let tensor = try TensorStatisticsTests.floats([1])
        try SafeTensorsWriter.write(names.map { ($0, tensor) }, to: path)
        let parts = try CheckpointFile(path: path).stateDictionaries()
        #expect(
            Dictionary(uniqueKeysWithValues: parts.map { ($0.name, $0.tensors.count) }) == expected)
        #expect(parts.filter { $0.kind == .optimizer }.allSatisfy { $0.name == "optim" })
        let whole = parts.flatMap { part in part.tensors.map { part.prefix + $0.name } }
        #expect(whole.sorted() == names.sorted())
    }

    @Test("every damaged record is found, not the first alone") func records() throws {
        let good = try PyTorchFile(path: "x", contents: ByteSlice(copying: Fixture.zip()))
        let checked = try #require(good.checkRecords())
        #expect(checked.compared == 5 && checked.damaged.isEmpty)

        var bytes = Fixture.zip()
        for storage in [Fixture.weight.storage, Fixture.step.storage] {
            let place = try #require(bytes.firstRange(of: storage))
            bytes[place.lowerBound] ^= 1
        }
        let bad = try PyTorchFile(path: "x", contents: ByteSlice(copying: bytes))
        let damaged = try #require(bad.checkRecords()).damaged
        #expect(damaged.map(\.kind) == [.checksum, .checksum])
        #expect(damaged.compactMap(\.place) == ["'archive/data/0'", "'archive/data/1'"])
        let legacy = try PyTorchFile(path: "x", contents: ByteSlice(copying: Fixture.legacy()))
        #expect(legacy.checkRecords() == nil)
    }
}

@Suite(
    "Recorded checkpoints of students and teachers",
    .enabled(
        if: RecordedCheckpoints.folder != nil,
        "no recorded checkpoints: set TESSERA_PARITY to the folder that holds them"))
struct RecordedStateDictionaryTests {
    @Test("every tensor of every file is in exactly one part")
    func complete() throws {
        let scripts = RecordedCheckpoints.pyTorch.filter { $0.contains("jit") }
        for file in RecordedCheckpoints.pyTorch + RecordedCheckpoints.safeTensors
        where !scripts.contains(file) {
            let checkpoint = try CheckpointFile(path: RecordedCheckpoints.path(file))
            let whole = try checkpoint.stateDictionaries().flatMap { part in
                part.tensors.map { part.prefix + $0.name }
            }
            #expect(whole.sorted() == (try checkpoint.tensors().map(\.name).sorted()), "\(file)")
        }
    }

    @Test("the sum of every tensor is that of its mean", arguments: RecordedCheckpoints.pyTorch)
    func sums(file: String) throws {
        guard !file.contains("jit") else { return }
        for (name, tensor) in try PyTorchFile(path: RecordedCheckpoints.path(file)).tensors()
        where tensor.count > 0 {
            let facts = TensorStatistics(tensor)
            let values = tensor.doubles()
            let magnitude = values.reduce(0) { $0 + abs($1) }
            let sum = try #require(facts.mean) * Double(facts.count)
            #expect(abs(sum - values.reduce(0, +)) <= 1e-12 * magnitude + 1e-15, "\(file) \(name)")
            #expect(facts.min == values.min() && facts.max == values.max(), "\(file) \(name)")
        }
    }
}
