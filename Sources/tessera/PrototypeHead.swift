import Configuration
import Evaluation
import Foundation
import Methods
import NN
import Torch
import Training
import VisionModels

/// The head of an encoder that DINO or iBOT trained: its prototypes are clusters.
struct PrototypeHead {
    private let head: ProjectionHead
    /// What of the encoder it sees.
    let features: FeatureExtractor.Config

    /// The head beside the weights of an encoder, on its device; nil where there is none.
    static func load(for encoder: PretrainedEncoder) throws -> PrototypeHead? {
        guard let head = try find(encoder) else { return nil }
        if let device = encoder.model.parameters.first?.device { head.move(to: device) }
        var features = FeatureExtractor.Config()
        // A Swin has no class token: its head is trained on the mean of the patches.
        if !encoder.model.hasClassToken { features.tokens = .mean }
        return PrototypeHead(head: head, features: features)
    }

    private init(head: ProjectionHead, features: FeatureExtractor.Config) {
        (self.head, self.features) = (head, features)
    }

    /// The whole head beside the weights of an encoder; nil where there is none.
    static func find(_ encoder: PretrainedEncoder) throws -> ProjectionHead? {
        if let report = encoder.coverage { return try ProjectionHead.load(beside: report) }
        guard let folder = encoder.runFolder else { return nil }
        let recipe = try Recipe(contentsOf: folder.appendingPathComponent("config.yaml").path)
        guard let name = recipe.text(at: "run.method") else { return nil }
        return try head(of: Registry.method(named: name), folder, encoder.origin)
    }

    private static func head<Method: PretrainingMethod>(
        of _: Method.Type, _ folder: URL, _ file: String
    ) throws -> ProjectionHead? {
        guard Method.self is any PrototypeMethod.Type else { return nil }
        let method = try PretrainedEncoder.load(
            Method.self, run: folder, file: URL(fileURLWithPath: file)
        ).method
        return (method as? any PrototypeMethod)?.prototypeHead
    }

    /// How its prototypes agree with the classes of test features.
    func scores(_ test: Features, seed: UInt64 = 0) throws -> [Score] {
        var prototypes = 0
        let found = try ClusteringEvaluation.prototypes(test) { features in
            let logits = head.classLogits(head.hidden(features))
            prototypes = logits.shape[1]
            return logits
        }
        return ClusteringEvaluation.scores(
            "head", found, ["prototypes": .number(Double(prototypes))], seed: seed)
    }
}
