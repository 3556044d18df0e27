import Checkpoints
import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

/// The recorded classifiers of all references through the loader, as `evaluate validate` takes them.
@Suite("Classifiers in files give the references' logits") struct ClassifierFileParityTests {
    /// Family, pattern, and where in the settings the number of heads is; Swin's files tell it.
    private static let classifiers: [(String, String, String?)] = [
        ("beyondcls", "mae_vit_finetune_*", "num_heads"),
        ("beyondcls", "simmim_vit_finetune", "num_heads"),
        ("beyondcls", "simmim_swin_finetune", nil),
        ("beyondcls", "timm_vit_*", "num_heads"),
        ("ibot", "finetune_vit_*", "h"),
        ("mapet", "vit_*", "num_heads"),
        ("mapet", "beit_vit_*", "num_heads"),
    ]

    private static let cases: [(ParityCase, String?)] = classifiers.flatMap {
        family, pattern, key in
        // No file tells of fixed positions beside relative ones, nor of ε: a model with CLIP's norm in
        // front is taken for CLIP, whose ε the case has not.
        ParityTable.cases(family, pattern)
            .filter { !$0.name.contains("sincos") && !$0.name.contains("prenorm") }
            .map { ($0, key) }
    }

    @Test("logits", arguments: cases)
    func logits(item: ParityCase, key: String?) throws {
        let settings =
            try item.config.contains("model") ? item.config.object("model") : item.config
        let path = NSTemporaryDirectory() + "classifier-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let weights = try item.weights.sorted { $0.key < $1.key }
        try SafeTensorsWriter.write(weights.map { (name: $0.key, tensor: $0.value) }, to: path)
        let loaded = try CheckpointLoader(.init(heads: key.map { try settings.int($0) }))
            .loadClassifier(path)
        #expect(loaded.report.isComplete, "\(loaded.report)")
        let name = try ["in/imgs", "in/image", "in/x"].first { try item.contains($0) }
        let images = try item.tensor(try #require(name))
        item.compare("out/logits", loaded.model(images))
    }
}
