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
        return PrototypeHead(head, on: encoder.model)
    }

    /// The head of a method; nil where it has no prototypes.
    init?(of method: any PretrainingMethod) {
        guard let head = (method as? any PrototypeMethod)?.prototypeHead else { return nil }
        self.init(head, on: method.backbone)
    }

    private init(_ head: ProjectionHead, on encoder: any VisionEncoder) {
        self.head = head
        var features = FeatureExtractor.Config()
        // A Swin has no class token: its head is trained on the mean of the patches.
        if !encoder.hasClassToken { features.tokens = .mean }
        self.features = features
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

    /// How its favourite prototypes agree with the classes of test features.
    func agreement(_ test: Features) throws -> ClusterScores {
        try ClusteringEvaluation.prototypes(test) { head.classLogits(head.hidden($0)) }
    }

    /// The same as scores.
    func scores(_ test: Features, seed: UInt64 = 0) throws -> [Score] {
        ClusteringEvaluation.scores(
            "head", try agreement(test), ["prototypes": .number(Double(head.prototypeCount))],
            seed: seed)
    }
}
