import Checkpoints
import Foundation
import NN
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Methods

@Suite("Heads of prototypes in files of others") struct ProjectionHeadFileTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("head-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func encoder() throws -> VisionTransformer {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (8, 4, 16)
        (config.depth, config.heads, config.positions) = (1, 2, .learned)
        return try VisionTransformer(config, generator: Generator(seed: 1))
    }

    /// A file with the encoder, and the tensors of a head where there is one.
    private func write(
        _ encoder: VisionTransformer, _ head: ProjectionHead?, prefix: String = "teacher.",
        without left: String = "nothing"
    ) throws -> CoverageReport {
        var tensors = encoder.stateDict.map {
            ("\(prefix)backbone.\($0.name)", $0.tensor.detached())
        }
        for (name, tensor) in head?.stateDict ?? [] where name != left {
            tensors.append(("\(prefix)head.\(name)", tensor.detached()))
            for (again, first) in head?.repeatedNames ?? [] where name.hasPrefix(first) {
                let other = again + name.dropFirst(first.count)
                tensors.append(("\(prefix)head.\(other)", tensor.detached()))
            }
        }
        let path = folder.appendingPathComponent("\(UUID().uuidString).safetensors").path
        try SafeTensorsWriter.write(tensors, to: path)
        return try CheckpointLoader(CheckpointLoader.Options(heads: 2)).load(path).report
    }

    private static let all: [HeadForm] = {
        func form(_ change: (inout HeadForm) -> Void) -> HeadForm {
            var form = HeadForm()
            (form.width, form.bottleneck) = (12, 6)
            change(&form)
            return form
        }
        return [
            form { _ in }, form { $0.norm = .layer }, form { $0.norm = .batch },
            form { $0.depth = 1 }, form { $0.depth = 4 }, form { $0.bottleneck = 0 },
        ]
    }()

    @Test("its form is found, and it gives what the original gives", arguments: all, [nil, 7])
    func forms(form: HeadForm, patchPrototypes: Int?) throws {
        let head = ProjectionHead(
            16, prototypes: 5, patchPrototypes: patchPrototypes, form: form,
            generator: Generator(seed: 2))
        head.evaluate()
        let report = try write(encoder(), head)
        let found = try #require(try ProjectionHead.load(beside: report))
        let x = Tensor.normal([3, 16], generator: Generator(seed: 3))
        let expected = head.classLogits(head.hidden(x))
        let logits = found.classLogits(found.hidden(x))
        #expect(logits.shape == [3, 5] && (logits - expected).abs().max().item < 1e-6)
    }

    @Test("at the top of a file, and under names of wrapped modules", arguments: ["", "module."])
    func prefixes(prefix: String) throws {
        let head = ProjectionHead(
            16, prototypes: 5, patchPrototypes: nil, form: Self.all[0],
            generator: Generator(seed: 2))
        #expect(try ProjectionHead.load(beside: write(encoder(), head, prefix: prefix)) != nil)
    }

    @Test("a file without a head has none, half of one is an error that names what is missing")
    func refused() throws {
        #expect(try ProjectionHead.load(beside: write(encoder(), nil)) == nil)
        let head = ProjectionHead(
            16, prototypes: 5, patchPrototypes: nil, form: Self.all[0],
            generator: Generator(seed: 2))
        let report = try write(encoder(), head, without: "mlp.2.weight")
        #expect {
            _ = try ProjectionHead.load(beside: report)
        } throws: {
            "\($0)".contains(report.file)
        }
    }
}
