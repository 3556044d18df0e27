import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// Encoders of timm and Hugging Face in the smallest sizes, as the libraries wrote them, with what
/// they make of pictures: recorded by `scripts/check-families --fixtures`.
@Suite("Encoders of timm and Hugging Face") struct RecordedArchitectureTests {
    struct Case: CustomTestStringConvertible {
        let path: String
        var testDescription: String {
            URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        }
    }

    static let cases: [Case] = {
        let folder = Bundle.module.resourceURL?.appendingPathComponent("Fixtures").path ?? ""
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".safetensors") }.sorted()
            .map { Case(path: "\(folder)/\($0)") }
    }()

    /// The tensors of a case whose names start with `start`, without that start.
    private func tensors(
        _ file: SafeTensorsFile, _ start: String
    ) throws -> [(name: String, tensor: Tensor)] {
        try file.names.filter { $0.hasPrefix(start) }.map { name in
            (name: String(name.dropFirst(start.count)), tensor: try Tensor(file.tensor(name)))
        }
    }

    /// Writes the checkpoint of a case as the library had written it, and loads it.
    private func load(_ file: SafeTensorsFile) throws -> CheckpointLoader.Loaded {
        try load(file) { try CheckpointLoader($0).load($1) }
    }

    private func load<Loaded>(
        _ file: SafeTensorsFile, _ body: (CheckpointLoader.Options, String) throws -> Loaded
    ) throws -> Loaded {
        let folder = try TemporaryFolder()
        try SafeTensorsWriter.write(
            try tensors(file, "w/"), to: folder.file("model.safetensors"))
        if let config = file.metadata["config.json"] {
            try folder.write(config, as: "config.json")
        }
        let options = CheckpointLoader.Options(
            heads: file.metadata["heads"].flatMap { Int($0) },
            imageSize: file.metadata["imageSize"].flatMap { Int($0) })
        return try body(options, folder.path)
    }

    @Test("tokens and features are the library's", arguments: cases)
    func outputs(_ item: Case) throws {
        let file = try SafeTensorsFile(path: item.path)
        let loaded = try load(file)
        #expect(loaded.report.isComplete && loaded.report.coverage == 1)
        let encoder = loaded.model
        let images = try Tensor(file.tensor("in/images"))
        let tokens = noGrad {
            encoder.lastBlocks(images, count: 1).last.map { encoder.final($0) }
        }
        let found = try #require(tokens)
        for (name, value) in [("tokens", found), ("pooled", noGrad { encoder.pooled(found) })] {
            let expected = try Tensor(file.tensor("out/\(name)"))
            let largest = expected.values(as: Float.self).reduce(1) { max($0, abs($1)) }
            expect(value, closeTo: expected, .absolute(1e-5 * Double(largest)), name)
        }
    }

    @Test("logits are the library's", arguments: cases)
    func logits(_ item: Case) throws {
        let file = try SafeTensorsFile(path: item.path)
        guard file.names.contains("out/logits") else { return }
        let loaded = try load(file) { try CheckpointLoader($0).loadClassifier($1) }
        #expect(loaded.report.isComplete && !loaded.model.isTraining)
        let expected = try Tensor(file.tensor("out/logits"))
        #expect(loaded.model.classCount == expected.shape[1])
        let images = try Tensor(file.tensor("in/images"))
        let found = noGrad { loaded.model(images) }
        let largest = expected.values(as: Float.self).reduce(1) { max($0, abs($1)) }
        expect(found, closeTo: expected, .absolute(1e-5 * Double(largest)), "logits")
    }

    @Test("a model's tensors under the family's names are those of the file", arguments: cases)
    func inverse(_ item: Case) throws {
        let file = try SafeTensorsFile(path: item.path)
        guard file.metadata["imageSize"] == nil else { return }
        let loaded = try load(file)
        let prefix = loaded.report.place == "the top of the file" ? "" : loaded.report.place
        let stored = Dictionary(uniqueKeysWithValues: try tensors(file, "w/" + prefix))
        let sources = Set(loaded.report.loaded.flatMap(\.sources))
        var written: Set<String> = []
        for (name, tensor) in loaded.family.names.inverse(loaded.model.stateDict) {
            // The norm of a head stands outside of the prefix.
            guard sources.contains(name), let expected = stored[name] else { continue }
            written.insert(name)
            #expect(tensor.shape == expected.shape, "\(name)")
            #expect(
                tensor.values(as: Float.self) == expected.values(as: Float.self), "\(name)")
        }
        let outside = sources.filter { stored[$0] == nil }
        #expect(written == sources.subtracting(outside))
        #expect(outside.allSatisfy { $0.hasPrefix("layernorm.") })
    }

    @Test("all families of the two libraries are there")
    func families() throws {
        let found = Set(try Self.cases.map { try load(SafeTensorsFile(path: $0.path)).family.name })
        for name in [
            "timm", "mae", "beit", "eva", "eva02", "dinov3-timm", "hf-vit", "hf-mae", "hf-ijepa",
            "hf-dinov2", "hf-dinov3", "hf-beit", "hf-clip", "timm-swin", "hf-swin",
        ] {
            #expect(found.contains(name), "\(name)")
        }
        #expect(Self.cases.count >= 38)
        let classifiers = try Self.cases.count {
            try SafeTensorsFile(path: $0.path).names.contains("out/logits")
        }
        #expect(classifiers >= 10)
    }
}
