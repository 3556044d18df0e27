public import Checkpoints
import Configuration
public import Data
public import NN
public import Optimizers
public import Torch
public import Training
public import VisionModels

/// Supervised fine-tuning of a pre-trained encoder, in the forms of MAE, SimMIM, BEiT and iBOT, and DeiT.
///
/// 1. a classifier on the encoder's feature, which starts near zero   (MAE, appendix A.1)
/// 2. pictures and labels of a batch are mixed: mixup or CutMix      (or labels smoothed alone)
/// 3. L = −Σ t log softmax(logits), the mean over the batch
/// 4. layers near the input learn more slowly: rate · decay^(L − l)  (BEiT, appendix H)
/// 5. where wanted, an average of the weights follows: θ̄ ← m θ̄ + (1 − m) θ   (DeiT)
///
/// What tells the recipes apart are settings: `configs/finetune`. B images, K classes.
public final class FineTuning<Shape: FineTunedModel>: Module {
    public typealias Encoder = Shape.Encoder

    public static var name: String { Shape.fineTuningName }

    public let classifier: EncoderClassifier<Encoder>
    /// The average of the classifier's weights over the steps.
    public let modelEma: EncoderClassifier<Encoder>?
    let config: Config
    private let average: MovingAverage?

    /// The trained tensors are called as in a checkpoint of the classifier alone.
    public override class var stateNames: [String: String] { ["classifier": ""] }

    public init(_ config: Config, backbone: Encoder, generator: Generator) throws {
        guard let classes = config.classes else {
            throw ConfigurationError.invalid(
                "method.classes", found: "null", expected: "the number of classes",
                advice: "`tessera finetune` takes it from the pictures")
        }
        try backbone.config.validateFineTuning()
        self.config = config
        backbone.initializeForClassification(generator: generator)
        classifier = EncoderClassifier(
            backbone, head: config.head(backbone.width, classes: classes, generator: generator),
            classCount: classes)
        modelEma = try config.average.map { _ in
            try Init.leavingOut {
                EncoderClassifier(
                    try backbone.config.encoder(generator: nil),
                    head: config.head(backbone.width, classes: classes, generator: nil),
                    classCount: classes)
            }
        }
        if let modelEma {
            // Tables that follow from the shape of a model are not learned, but saved with it.
            let state = classifier.stateDict.map { ($0.name, $0.tensor.detached()) }
            try modelEma.load(Dictionary(uniqueKeysWithValues: state))
        }
        average = modelEma.map { [classifier] in MovingAverage(of: classifier, in: $0) }
    }

    /// The averaged encoder where the average leads.
    public var backbone: Encoder { (averageLeads ? modelEma ?? classifier : classifier).backbone }

    private var averageLeads: Bool { config.average?.leads ?? false }
}

// MARK: - The objective

extension FineTuning: PretrainingMethod {
    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        guard let mixing = config.mixing?.mixing(smoothing: config.smoothing) else {
            let logits = classifier(batch.images).atLeastFloat32  // [B, K]
            let right = noGrad { (logits.argmax(1) .== batch.labels).to(dtype: .float32).mean() }
            return Losses(
                total: logits.crossEntropy(batch.labels, smoothing: config.smoothing),
                parts: [("train_top1", right * 100)])
        }
        let (images, targets) = batch.mixed(by: mixing, classCount: classifier.classCount)
        return Losses(total: classifier(images).atLeastFloat32.crossEntropy(targets))
    }

    public func afterStep(_ step: Step) {
        guard let settings = config.average else { return }
        average?.update(momentum: settings.momentum(atStep: step.index))
    }

    public var parameterGroups: [ParameterGroup] {
        ParameterGroup.byLayer(
            classifier.namedParameters, classifier.backbone.config.layers,
            decay: config.layerDecay, isExempt: config.isExemptFromDecay)
    }
}

// MARK: - Start and test

extension FineTuning: ClassifyingMethod {
    public var classifiers: [(name: String, model: any ImageClassifier)] {
        let averaged = modelEma.map { [(name: "ema", model: $0 as any ImageClassifier)] } ?? []
        return averageLeads ? averaged + [("test", classifier)] : [("test", classifier)] + averaged
    }

    public func start() throws -> CoverageReport? {
        guard let path = config.weights else { return nil }
        let loader = CheckpointLoader(
            CheckpointLoader.Options(
                part: config.part, fitsPositionsExactly: true, allowPartial: config.allowPartial))
        let report = try loader.load(
            into: config.keepsHead ? classifier : classifier.backbone, from: path)
        if config.keepsHead, !report.loaded.contains(where: { $0.name.hasPrefix("head.") }) {
            throw ConfigurationError.invalid(
                "method.keepsHead", found: "true", expected: "false",
                advice: "\(path) has no classifier")
        }
        if let head = classifier.head as? ClassProjectionHead {
            try start(head, from: ProjectionHead.load(beside: report), path)
        }
        average?.reset()
        return report
    }

    /// Copies the layers of a projection head that stay.
    private func start(
        _ head: ClassProjectionHead, from pretrained: ProjectionHead?, _ path: String
    ) throws {
        guard let pretrained else {
            throw ConfigurationError.invalid(
                "method.projection", found: "given", expected: "null",
                advice: "\(path) has no projection head beside the encoder: only a whole "
                    + "checkpoint of DINO or iBOT has one")
        }
        let weights = Dictionary(
            uniqueKeysWithValues: pretrained.stateDict.map { ($0.name, $0.tensor.detached()) })
        var used: [String: Tensor] = [:]
        for (name, tensor) in head.stateDict
        where !name.hasPrefix(ClassProjectionHead.ownNames) {
            guard let found = weights[name], found.shape == tensor.shape else {
                throw ConfigurationError.invalid(
                    "method.projection", found: "\(name) of shape \(tensor.shape)",
                    expected: weights[name].map { "\($0.shape), as in \(path)" }
                        ?? "layers that \(path) has")
            }
            used[name] = found
        }
        try head.load(used, strict: false)
    }
}
