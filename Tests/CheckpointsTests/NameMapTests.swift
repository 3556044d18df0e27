import NN
import TensorFiles
import TestSupport
import Testing
import Torch

@testable import Checkpoints

@Suite("Names of families") struct NameMapTests {
    /// Records of tensors with the given shapes and numbers that tell them apart.
    private func records(
        _ shapes: [(String, [Int])], in folder: TemporaryFolder
    ) throws -> [(name: String, tensor: TensorRecord)] {
        let path = folder.file("x.safetensors")
        try SafeTensorsWriter.write(
            shapes.enumerated().map { number, item in
                let count = item.1.reduce(1, *)
                let values = (0..<count).map { Float(number * 1000 + $0) }
                return (name: item.0, tensor: Tensor(values, shape: item.1))
            }, to: path)
        let file = try CheckpointFile(path: path)
        let found = Dictionary(
            uniqueKeysWithValues: try file.tensors().map { ($0.name, $0.tensor) })
        return try shapes.map { (name: $0.0, tensor: try #require(found[$0.0])) }
    }

    @Test("patterns: numbers, last parts, forgotten numbers")
    func patterns() {
        let pattern: NamePattern = "encoder.layer.*.norm1.%"
        let split = { (name: String) in
            name.split(separator: ".", omittingEmptySubsequences: false)
        }
        #expect(pattern.match(split("encoder.layer.11.norm1.weight")) == ["11", "weight"])
        #expect(pattern.match(split("encoder.layer.x.norm1.weight")) == nil)
        #expect(pattern.match(split("encoder.layer..norm1.weight")) == nil)
        #expect(pattern.match(split("encoder.layer.1.norm1")) == nil)
        #expect(pattern.match(split("encoder.layer.1.norm1.weight.x")) == nil)
        #expect(NamePattern("blocks.*.ln.%").filled(["11", "weight"]) == "blocks.11.ln.weight")
        #expect(NamePattern("blocks.#.*.w").match(split("blocks.3.17.w")) == ["17"])
    }

    @Test("every form, and its inverse")
    func forms() throws {
        let folder = try TemporaryFolder()
        let map = NameMap(
            [
                NameRule("a", "foreign.a"), NameRule("b", "foreign.b", .transposed),
                NameRule("c", "foreign.c", .leading(2)),
                NameRule("patch", "foreign.patch", .patchKernel(channels: 3)),
                NameRule(
                    "blocks.*.kv", joining: ["b.*.k", "b.*.v"], shares: [1, 2]),
            ])
        let tensors = try records(
            [
                ("foreign.a", [2]), ("foreign.b", [2, 3]), ("foreign.c", [4]),
                ("foreign.patch", [2, 12]), ("b.7.k", [1, 2]), ("b.7.v", [2, 2]), ("other", [1]),
            ], in: folder)
        let mapped = map.apply(tensors)
        #expect(mapped.map(\.name) == ["a", "b", "c", "patch", "blocks.7.kv", "other"])
        #expect(mapped.map(\.shape) == [[2], [3, 2], [1, 1, 4], [2, 3, 2, 2], [3, 2], [1]])
        let made = try mapped.map { (name: $0.name, tensor: try $0.tensor()) }
        #expect(made[1].tensor.values(as: Float.self) == [1000, 1003, 1001, 1004, 1002, 1005])
        #expect(made[4].tensor.values(as: Float.self) == [4000, 4001, 5000, 5001, 5002, 5003])
        let back = map.inverse(made)
        #expect(back.map(\.name) == tensors.map(\.name))
        for (found, expected) in zip(back, tensors) {
            #expect(found.tensor.shape == expected.tensor.shape, "\(found.name)")
            #expect(
                found.tensor.values(as: Float.self).map(Double.init) == expected.tensor.doubles(),
                "\(found.name)")
        }
    }

    @Test("parts that do not fit one another are left as they are")
    func misfits() throws {
        let folder = try TemporaryFolder()
        let map = NameMap([NameRule("qkv", joining: ["q", "k", "v"], shares: [1, 1, 1])])
        let wrong = try records([("q", [2, 3]), ("k", [2, 3]), ("v", [2, 4])], in: folder)
        #expect(map.apply(wrong).map(\.name) == ["q", "k", "v"])
        let few = try records([("q", [2, 3]), ("k", [2, 3])], in: folder)
        #expect(map.apply(few).map(\.name) == ["q", "k"])
    }

    @Test("the second rule takes what the first cannot: biases of q and v alone")
    func separateQKV() throws {
        let folder = try TemporaryFolder()
        let map = NameMap(.separateQKV(own: "a.*", query: "l.*.q", key: "l.*.k", value: "l.*.v"))
        let weights = ["q", "k", "v"].map { ("l.0.\($0).weight", [2, 2]) }
        let all = weights + ["q", "k", "v"].map { ("l.0.\($0).bias", [2]) }
        #expect(
            map.apply(try records(all, in: folder)).map(\.name)
                == ["a.0.qkv.weight", "a.0.qkv.bias"])
        let two = weights + ["q", "v"].map { ("l.0.\($0).bias", [2]) }
        #expect(
            map.apply(try records(two, in: folder)).map(\.name)
                == ["a.0.qkv.weight", "a.0.q_bias", "a.0.v_bias"])
    }

    @Test("no two families have one name, and none maps two names to one")
    func registry() {
        let names = CheckpointFamily.all.map(\.name)
        #expect(Set(names).count == names.count)
        for family in CheckpointFamily.all {
            let foreign = family.names.rules.filter { $0.form == .same && $0.condition == nil }
                .map { $0.foreign[0].description }
            #expect(Set(foreign).count == foreign.count, "\(family.name)")
        }
    }
}
