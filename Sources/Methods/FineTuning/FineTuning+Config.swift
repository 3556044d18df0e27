import Configuration
public import Data
public import Imaging
import NN
import Optimizers
import Torch
public import Training
import VisionModels

extension FineTuning {
    /// Where the run begins, and how the classifier is trained; the defaults are MAE's for ViT-B.
    public struct Config: ClassifyingConfiguration, Hashable {
        public typealias Model = Shape

        public var weights: String? = nil
        public var part: String? = nil
        public var allowPartial = false
        public var keepsHead = false
        public var classes: Int? = nil
        public var headStd = 2e-5
        public var projection: ProjectionSettings? = nil
        public var layerDecay = 0.65
        public var decaysBiasTables = true
        public var smoothing = 0.1
        public var mixing: MixingSettings? = MixingSettings()
        public var average: AverageSettings? = nil
        public var cropPercent: Double? = nil
        public var interpolation = Interpolation.bicubic

        public init() {}

        public static var documentation: [String: String] {
            [
                "weights": "the checkpoint that the encoder starts from; null for random weights",
                "part": "which encoder of a file that holds several",
                "allowPartial": "whether tensors may be missing or not understood",
                "keepsHead": "whether the classifier starts from the checkpoint's too",
                "classes": "the length of the logits; null takes the classes of the pictures",
                "headStd": "deviation of the classifier's initial weights",
                "projection":
                    "layers of a projection head that stay before the classifier, for few labels; "
                    + "null for a linear classifier on the encoder",
                "layerDecay":
                    "what the learning rate is multiplied with from a layer to the one before; 1 for "
                    + "one rate",
                "decaysBiasTables": "whether weight decay acts on tables of relative positions",
                "smoothing": "the share of a label that is spread over all classes",
                "mixing": "mixup and CutMix; null for neither",
                "average": "a moving average of the weights, beside them; null for none",
                "cropPercent":
                    "side of a test picture over the side it is resized to; null takes 0.875, and "
                    + "1 below 64 pixels and from 384 on",
                "interpolation": "how test pictures are resized",
            ]
        }
    }
}

extension FineTuning.Config {
    public static func setDefaults(of run: inout RunConfiguration<Self>) {
        run.model = Shape.fineTuned
        run.data.batchSize = 1024
        run.optim.baseLr = 5e-4
        run.optim.betas = [0.9, 0.999]
        run.schedule.epochs = 100
        run.schedule.warmupEpochs = 5
        run.schedule.minLr = 1e-6
        run.run.probeEvery = 1
    }

    public static func augmentation(size: PixelSize) -> ImagePipeline { .fineTuning(size: size) }

    public func validate() throws {
        try check(
            classes ?? 2 > 1, "classes", "\(classes ?? 0)",
            expected: "2 or more, or null for those of the pictures")
        try check(headStd >= 0, "headStd", "\(headStd)", expected: "0 or a positive number")
        try check(
            layerDecay > 0 && layerDecay <= 1, "layerDecay", "\(layerDecay)",
            expected: "above 0, at most 1")
        try check(
            (0..<1).contains(smoothing), "smoothing", "\(smoothing)", expected: "0 or more, below 1"
        )
        try check(
            cropPercent.map { $0 > 0 && $0 <= 1 } ?? true, "cropPercent", "\(cropPercent ?? 0)",
            expected: "above 0, at most 1")
        try check(
            !keepsHead || projection == nil, "keepsHead", "true beside projection",
            expected: "false: the classifier behind a projection is a new one")
        try check(
            projection == nil || headStd == Self().headStd, "headStd",
            "\(headStd) beside projection",
            expected: "the default: behind a projection the classifier starts with 0.02")
        guard weights == nil else { return }
        try check(!keepsHead, "keepsHead", "true without weights", expected: "false")
        try check(part == nil, "part", "given without weights", expected: "null")
    }

    public static func validate(_ run: RunConfiguration<Self>) throws {
        try run.model.validateFineTuning()
        guard let mixing = run.method.mixing, mixing.mode != .element else { return }
        let part = run.data.batchSize / run.run.partCount
        guard part % 2 == 0 else {
            throw ConfigurationError.invalid(
                "data.batchSize", found: run.data.batchSize,
                expected: "an even number of pictures in each of \(run.run.partCount) parts",
                advice: "method.mixing puts them together in pairs; null has no mixing")
        }
        guard run.data.onBad != .skip else {
            throw ConfigurationError.invalid(
                "data.onBad", found: "skip", expected: "substitute or stop",
                advice: "method.mixing needs pairs, a picture less leaves one over")
        }
    }

    public func testPictures(imageSize: Int) -> TestPictures {
        TestPictures(
            cropPercent: cropPercent ?? ((64..<384).contains(imageSize) ? 224.0 / 256 : 1),
            interpolation: interpolation)
    }

    public func settings(for source: any ImageSource) throws -> [String] {
        guard source.isLabelled else {
            throw ConfigurationError.invalid(
                "data.path", found: "pictures without labels",
                expected: "a folder for each class, or another form with labels")
        }
        let count = source.classNames.count
        guard let classes else { return ["method.classes=\(count)"] }
        guard classes >= count else {
            throw ConfigurationError.invalid(
                "method.classes", found: classes,
                expected: "at least \(count), the classes of the pictures, or null")
        }
        return []
    }

    /// The part between an encoder and the logits, with initial weights.
    func head(_ width: Int, classes: Int, generator: Generator?) -> any Layer {
        guard let projection else {
            let head = Linear(width, classes, generator: generator)
            head.initializeTruncatedNormal(std: headStd, generator: generator)
            return head
        }
        return ClassProjectionHead(
            width, classCount: classes, layer: projection.layer,
            prototypes: projection.prototypes, form: projection.form, generator: generator)
    }

    /// Whether weight decay leaves a parameter alone: vectors, positions and tokens before the patches.
    func isExemptFromDecay(_ name: String, _ tensor: Tensor) -> Bool {
        ParameterGroup.isExemptFromDecay(name, tensor) || Self.undecayed.contains(name)
            || !decaysBiasTables && name.hasSuffix("relative_position_bias_table")
    }

    private static var undecayed: Set<String> {
        [
            "pos_embed", "absolute_pos_embed", "cls_token", "dist_token", "reg_token",
            "mask_token", "masked_embed",
        ]
    }
}
