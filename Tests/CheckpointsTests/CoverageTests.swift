import Foundation
import NN
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// Checkpoints of our own making, each with one thing that a user may meet.
@Suite("What of a checkpoint is loaded") struct CoverageTests {
    private let folder: TemporaryFolder
    private let model: VisionTransformer

    init() throws {
        folder = try TemporaryFolder()
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.positions) = (32, 8, .learned)
        (config.width, config.depth, config.heads) = (16, 2, 2)
        model = try VisionTransformer(config, generator: Generator(seed: 3))
        model.evaluate()
    }

    private var tensors: [(name: String, tensor: Tensor)] { model.stateDict }

    private func write(_ tensors: [(name: String, tensor: Tensor)]) throws -> String {
        let path = folder.file("weights.safetensors")
        try SafeTensorsWriter.write(tensors, to: path)
        return path
    }

    private func load(
        _ path: String, _ change: (inout CheckpointLoader.Options) -> Void = { _ in }
    ) throws -> CheckpointLoader.Loaded {
        var options = CheckpointLoader.Options(heads: 2)
        change(&options)
        return try CheckpointLoader(options).load(path)
    }

    /// The report of a checkpoint that is refused.
    private func refusal(_ path: String) throws -> CheckpointError {
        do {
            _ = try load(path)
        } catch let error as CheckpointError {
            #expect(error.kind == .incomplete && error.description.contains(path))
            return error
        }
        throw TestFailure("\(path) was loaded")
    }

    private struct TestFailure: Error {
        let message: String
        init(_ message: String) { self.message = message }
    }

    @Test("all of it: every number, 100 %")
    func complete() throws {
        let loaded = try load(try write(tensors))
        let report = loaded.report
        #expect(report.isComplete && report.coverage == 1 && report.percent == "100 %")
        #expect(report.loaded.count == tensors.count && report.loadedCount == report.elementCount)
        #expect(report.strays.isEmpty && report.unused.isEmpty && report.missing.isEmpty)
        for (own, expected) in zip(loaded.model.stateDict, tensors) {
            #expect(own.name == expected.name)
            #expect(own.tensor.values(as: Float.self) == expected.tensor.values(as: Float.self))
        }
        #expect(!loaded.model.isTraining)
    }

    @Test("a missing tensor is an error that says which and how much; --allow-partial goes on")
    func missing() throws {
        let path = try write(tensors.filter { $0.name != "blocks.1.mlp.fc2.weight" })
        let error = try refusal(path)
        let report = try #require(error.report)
        #expect(report.missing.map(\.name) == ["blocks.1.mlp.fc2.weight"])
        #expect(report.missing[0].shape == [16, 64] && report.coverage < 1)
        #expect(error.description.contains("--allow-partial"))
        #expect(error.description.contains("missing: blocks.1.mlp.fc2.weight [16, 64]"))
        let partial = try load(path) { $0.allowPartial = true }
        #expect(!partial.report.isComplete && partial.report.percent != "100 %")
        let before = Dictionary(uniqueKeysWithValues: tensors)
        for (name, tensor) in partial.model.stateDict where name != "blocks.1.mlp.fc2.weight" {
            #expect(
                tensor.values(as: Float.self) == before[name]?.values(as: Float.self), "\(name)")
        }
    }

    @Test("a tensor that would be ignored is an error that names the one it may be")
    func stray() throws {
        let path = try write(
            tensors.map { name, tensor in
                (name == "blocks.0.norm2.weight" ? "blocks.0.norm_2.weights" : name, tensor)
            })
        let report = try #require(try refusal(path).report)
        #expect(report.strays.map(\.name) == ["blocks.0.norm_2.weights"])
        #expect(report.strays[0].nearest == "blocks.0.norm2.weight")
        #expect("\(report)".contains("(the model has blocks.0.norm2.weight)"))
        let extra = try write(tensors + [("blocks.0.attn.sink", .zeros([2]))])
        #expect(try refusal(extra).report?.coverage == 1)
    }

    @Test("a tensor of another shape is missing, with both shapes")
    func misshapen() throws {
        let path = try write(
            tensors.map { name, tensor in
                (name, name == "blocks.0.mlp.fc2.bias" ? .zeros([17]) : tensor)
            })
        let report = try #require(try refusal(path).report)
        #expect(
            report.missing == [
                .init(
                    name: "blocks.0.mlp.fc2.bias", shape: [16],
                    reason: "the file has shape [17]")
            ])
    }

    @Test("heads, decoders and optimisers are known to be something else")
    func unused() throws {
        let others = [
            ("head.weight", Tensor.zeros([3, 16])), ("decoder_embed.weight", .zeros([8, 16])),
            ("mask_token", .zeros([1, 1, 8])),
        ]
        let report = try load(try write(tensors + others.map { (name: $0.0, tensor: $0.1) })).report
        #expect(report.isComplete && report.family == "mae")
        #expect(
            report.unused == [
                .init(meaning: "a head", names: ["head.weight"]),
                .init(meaning: "the decoder of pre-training", names: ["decoder_embed.weight"]),
                .init(meaning: "what replaces masked patches", names: ["mask_token"]),
            ])
    }

    @Test("another size of picture: the positions are resized as the family does, and it says so")
    func resized() throws {
        let loaded = try load(try write(tensors)) { $0.imageSize = 48 }
        let report = loaded.report
        let resized = report.loaded.filter { $0.resized != nil }
        #expect(resized.map(\.name) == ["pos_embed"])
        #expect(resized[0].resized == "from 4×4 to 6×6 patches by bicubic")
        #expect("\(report)".contains("resized from 4×4 to 6×6 patches by bicubic: pos_embed"))
        let positions = try #require(Dictionary(uniqueKeysWithValues: tensors)["pos_embed"])
        let expected = PositionResize.bicubic.apply(
            positions, from: PatchGrid(rows: 4, columns: 4), to: PatchGrid(rows: 6, columns: 6),
            extraTokens: 1)
        let found = try #require(
            Dictionary(uniqueKeysWithValues: loaded.model.stateDict)["pos_embed"])
        #expect(found.values(as: Float.self) == expected.values(as: Float.self))
    }

    @Test("iBOT's positions are resized as in its forward pass, for fine-tuning by the sizes alone")
    func resizedForFineTuning() throws {
        let token = (name: "masked_embed", tensor: Tensor.zeros([1, 16]))
        let path = try write(tensors + [token])
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.channels) = (48, 8, 1)
        (config.width, config.depth, config.heads) = (16, 2, 2)
        config.positions = .learned
        func positions(exactly: Bool) throws -> (CoverageReport, [Float]) {
            let model = try VisionTransformer(config, generator: Generator(seed: 1))
            let options = CheckpointLoader.Options(
                fitsPositionsExactly: exactly, allowPartial: true)
            let report = try CheckpointLoader(options).load(into: model, from: path)
            let found = model.stateDict.first { $0.name == "pos_embed" }
            return (report, try #require(found).tensor.detached().values())
        }
        let (own, offset) = try positions(exactly: false)
        let (tuned, exact) = try positions(exactly: true)
        #expect(own.family == "ibot" && tuned.family == "ibot")
        #expect("\(own)".contains("by bicubicOffset: pos_embed"))
        #expect("\(tuned)".contains("by bicubic: pos_embed"))
        #expect(offset != exact)
    }

    @Test("other types are converted, and it says from what to what")
    func converted() throws {
        let half = tensors.map { name, tensor in
            (name: name, tensor: name.hasPrefix("blocks") ? tensor.to(dtype: .bfloat16) : tensor)
        }
        let report = try load(try write(half)).report
        let converted = report.loaded.filter { $0.converted != nil }
        #expect(converted.count == half.count { $0.name.hasPrefix("blocks") })
        #expect(converted.allSatisfy { $0.dtype == "bfloat16" && $0.converted == "float32" })
        #expect(
            "\(report)".contains("converted from bfloat16 to float32: \(converted.count) tensors"))
    }

    @Test("several encoders: the preferred one, or the one that is asked for")
    func parts() throws {
        let other = try VisionTransformer(model.config, generator: Generator(seed: 4))
        let path = try write(
            tensors.map { ("student.module.backbone." + $0.name, $0.tensor) }
                + other.stateDict.map { ("teacher.backbone." + $0.name, $0.tensor) })
        let teacher = try load(path)
        #expect(teacher.report.place == "teacher: backbone." && teacher.family.name == "dino")
        let student = try load(path) { $0.part = "student" }
        #expect(student.report.place == "student: module.backbone.")
        #expect(
            student.model.stateDict[0].tensor.values(as: Float.self)
                == tensors[0].tensor.values(as: Float.self))
        #expect {
            _ = try load(path) { $0.part = "techer" }
        } throws: { error in
            "\(error)".contains("'teacher.backbone', 'student.module.backbone'")
                && "\(error)".contains("did you mean 'teacher'?")
        }
    }

    @Test("into a model that exists: what its head has stays, and nothing is changed by an error")
    func intoAModel() throws {
        var config = model.config
        config.imageSize = 64
        let classifier = ViTClassifier(
            try VisionTransformer(config, generator: Generator(seed: 9)), classCount: 3,
            generator: Generator(seed: 9))
        let head = classifier.head.weight.values(as: Float.self)
        let half = try write(tensors.filter { $0.name != "norm.weight" })
        let before = classifier.stateDict.map { $0.tensor.values(as: Float.self) }
        #expect(throws: CheckpointError.self) {
            try CheckpointLoader().load(into: classifier, from: half)
        }
        #expect(before == classifier.stateDict.map { $0.tensor.values(as: Float.self) })
        let report = try CheckpointLoader().load(into: classifier, from: try write(tensors))
        #expect(report.isComplete && report.computed == ["head.weight", "head.bias"])
        #expect(report.loaded.contains { $0.name == "pos_embed" && $0.resized != nil })
        #expect(classifier.head.weight.values(as: Float.self) == head)
    }

    @Test("a file without an encoder says what it holds")
    func noEncoder() throws {
        let path = try write([("x.weight", .zeros([3]))])
        #expect {
            _ = try load(path)
        } throws: { error in
            (error as? CheckpointError)?.kind == .unknownFamily
                && "\(error)".hasPrefix("\(path) holds no encoder of a known family")
                && "\(error)".contains("'x.weight'")
        }
    }
}
