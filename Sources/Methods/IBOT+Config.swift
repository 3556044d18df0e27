import Configuration
public import Data
import Foundation
public import Imaging
import Torch
public import Training
import VisionModels

extension IBOT {
    /// Views, masks, heads, temperatures and losses; the defaults are those of the published ViT-S/16,
    /// and of Swin-T/7 for Swin, but that it hides patches from the first epoch on, not from the 50th.
    public struct Config: MethodConfiguration, Hashable {
        public typealias Model = Shape

        public var globalCrops = 2
        public var globalScale = [0.25, 1.0]
        public var localCrops = 10
        public var localScale = [0.05, 0.25]
        public var localSize = 96
        public var masks = IBOTMask()

        public var prototypes = 8192
        public var patchPrototypes: Int? = nil
        public var sharedHead = true
        public var sharedTeacherHead = true
        public var untiedHeads = false
        public var head = HeadForm()
        public var freezeLastLayer = 1

        public var classWeight = 1.0
        public var patchWeight = 1.0
        public var studentTemperature = 0.1
        public var classTemperature = TemperatureRamp()
        public var patchTemperature = TemperatureRamp()
        public var momentum = 0.996
        public var centering = DistillationLoss.Centering.running
        public var koLeo = 0.0
        public var packsCrops = false

        public init() { head.fixesGain = false }

        public static var documentation: [String: String] {
            [
                "globalCrops": "large views of a picture, which the teacher sees too",
                "globalScale": "the part of the picture's area that a large view shows",
                "localCrops": "small views, which the student alone sees",
                "localScale": "the part of the picture's area that a small view shows",
                "localSize": "height and width of a small view in pixels",
                "masks": "what is hidden of large views",
                "prototypes": "the length of the class's distributions (out_dim)",
                "patchPrototypes":
                    "that of the patches' where heads are not shared; null for the same "
                    + "(patch_out_dim)",
                "sharedHead": "whether the student's class and patches have the same prototypes",
                "sharedTeacherHead": "whether the teacher's have",
                "untiedHeads":
                    "whether patches have a head of their own, MLP and prototypes (DINOv2)",
                "head": "the MLP before the prototypes",
                "freezeLastLayer": "epochs in which the prototypes stay as they are",
                "classWeight": "of the loss of pictures (lambda1)",
                "patchWeight": "of the loss of hidden patches (lambda2); 0 hides none: DINO",
                "studentTemperature": "of the student's distributions",
                "classTemperature": "of the teacher's distributions of pictures",
                "patchTemperature": "of the teacher's distributions of patches; rises from "
                    + "masks.startEpoch on",
                "momentum": "how much of the teacher a step keeps at first; a cosine takes it to 1",
                "centering":
                    "what keeps the teacher from one answer: running (a mean of its logits, as "
                    + "published) or sinkhorn (DINOv2)",
                "koLeo": "the weight of DINOv2's regulariser, which spreads pictures; 0.1 there",
                "packsCrops":
                    "whether the student sees large and small views in one pass, as DINOv2 does; "
                    + "no result depends on it but by rounding and drop path's draws",
            ]
        }
    }
}

// MARK: - Defaults of the other sections

extension IBOT.Config {
    public static func setDefaults(of run: inout RunConfiguration<Self>) {
        run.model = Shape.publishedIBOT
        run.optim.baseLr = 5e-4
        run.optim.betas = [0.9, 0.999]
        run.optim.weightDecay = 0.04
        (run.optim.clip, run.optim.clipEach) = (3, true)
        run.schedule.epochs = Shape.publishedIBOTEpochs
        run.schedule.warmupEpochs = 10
        run.schedule.minLr = 1e-6
        run.schedule.repeatsPeak = true
        run.schedule.endWeightDecay = 0.4
        run.data.batchSize = 1024
        // A teacher that collapses may have a small loss: its features show it.
        run.run.probeEvery = 10
    }

    public static func augmentation(size: PixelSize) -> ImagePipeline {
        ImagePipeline.iBOT(globalSize: size)[0]
    }

    public func views(size: PixelSize) -> [ImagePipeline] {
        ImagePipeline.iBOT(
            globalCount: globalCrops, globalSize: size, globalScale: globalScale,
            localCount: localCrops, localSize: PixelSize(localSize), localScale: localScale)
    }
}

// MARK: - What follows from the settings

extension IBOT.Config {
    /// K₂.
    var patchPrototypeCount: Int {
        sharedHead && !untiedHeads ? prototypes : patchPrototypes ?? prototypes
    }

    /// An encoder with its heads; `sharesHead` where patches have the class's prototypes.
    func network(
        _ backbone: Shape.Encoder, sharesHead: Bool, generator: Generator?
    ) -> DistillationNetwork<Shape.Encoder> {
        func head(_ prototypes: Int, patches: Int? = nil) -> ProjectionHead {
            ProjectionHead(
                backbone.width, prototypes: prototypes, patchPrototypes: patches, form: self.head,
                generator: generator)
        }
        return DistillationNetwork(
            backbone, head(prototypes, patches: sharesHead ? nil : patchPrototypeCount),
            patchHead: untiedHeads ? head(patchPrototypeCount) : nil)
    }

    func temperatures(at epoch: Int) -> (classes: Double, patches: Double) {
        (
            classTemperature.value(at: epoch),
            patchTemperature.value(at: epoch, delay: masks.startEpoch)
        )
    }

    func momentum(at step: Step) -> Double {
        1 - (1 - momentum) * 0.5 * (1 + cos(.pi * step.progress))
    }
}

// MARK: - Validation

extension IBOT.Config {
    public func validate() throws {
        for (key, value, least) in [
            ("globalCrops", globalCrops, 1), ("localCrops", localCrops, 0),
            ("localSize", localSize, 1), ("prototypes", prototypes, 2),
            ("patchPrototypes", patchPrototypes ?? 2, 2), ("freezeLastLayer", freezeLastLayer, 0),
        ] { try check(value >= least, key, value, expected: "\(least) or more") }
        try check(
            globalCrops + localCrops > 1, "localCrops", localCrops,
            expected: "1 or more beside a single large view: the loss compares different views")
        for (key, value) in [
            ("classWeight", classWeight), ("patchWeight", patchWeight), ("koLeo", koLeo),
        ] {
            try check(value >= 0 && value.isFinite, key, value, expected: "0 or a positive number")
        }
        try check(
            classWeight + patchWeight > 0, "classWeight", classWeight,
            expected: "a loss that counts")
        try check(
            patchWeight > 0 || masks == IBOTMask(), "masks", "given",
            expected: "the default: with patchWeight 0 nothing is hidden")
        try check(
            !untiedHeads || patchWeight > 0, "untiedHeads", untiedHeads,
            expected: "false: with patchWeight 0 patches have no head")
        for (key, shares) in [
            ("sharedHead", sharedHead), ("sharedTeacherHead", sharedTeacherHead),
        ] {
            try check(
                shares || !untiedHeads, key, shares,
                expected: "true: with untiedHeads patches have nothing of the class's head anyway")
        }
        try check(
            !sharedHead || untiedHeads || patchPrototypes == nil, "patchPrototypes",
            patchPrototypes ?? 0,
            expected: "null: with sharedHead patches have the class's prototypes",
            advice: "method.untiedHeads=true gives them a head of their own")
        try check(
            sharedHead || !sharedTeacherHead || patchPrototypeCount == prototypes,
            "patchPrototypes", patchPrototypeCount,
            expected: "\(prototypes): the teacher's patches share the class's prototypes",
            advice: "set method.sharedTeacherHead=false")
        try check(
            studentTemperature > 0, "studentTemperature", studentTemperature,
            expected: "a positive number")
        try check(
            (0...1).contains(momentum), "momentum", momentum, expected: "a number from 0 to 1")
    }

    public static func warnings(_ run: RunConfiguration<Self>) -> [String] {
        let method = run.method
        var warnings: [String] = []
        if method.koLeo > 0, run.data.batchSize / run.run.partCount < 2 {
            warnings.append(
                "method.koLeo is without effect: each part of a step has one picture, and it keeps "
                    + "pictures apart")
        }
        guard method.patchWeight > 0 else { return warnings }
        if !method.sharedHead, method.sharedTeacherHead {
            warnings.append(
                "method.sharedHead=false with method.sharedTeacherHead=true is the default of iBOT's "
                    + "code and hardly meant: the teacher's prototypes start as those of the student's "
                    + "patches and then follow those of its class. Give both the same value")
        }
        if method.sharedHead, !method.sharedTeacherHead, !method.untiedHeads {
            warnings.append(
                "method.sharedTeacherHead=false with method.sharedHead=true: the student has no "
                    + "prototypes of patches for the teacher's to follow, so that they stay random. Give "
                    + "both the same value")
        }
        if Double(method.masks.startEpoch) >= run.schedule.epochs {
            warnings.append(
                "nothing will be hidden: method.masks.startEpoch is \(method.masks.startEpoch), the "
                    + "run has \(run.schedule.epochs) epochs")
        }
        return warnings
    }

    /// What only holds together with an encoder.
    func validate(for model: Shape) throws {
        try validate()
        try model.validateDistilled()
        guard !packsCrops || Shape.Encoder.self is any PackingEncoder.Type else {
            throw ConfigurationError.invalid(
                "method.packsCrops", found: packsCrops,
                expected: "false: a Swin's windows belong to one size")
        }
        guard patchWeight > 0 else { return }
        guard model.hidesPatches else {
            throw ConfigurationError.invalid(
                "model", found: "an encoder without a token for hidden patches",
                expected: "model.masksPatches=true, or model.maskedPatches=maskedEmbed of a Swin",
                advice: "or set method.patchWeight=0 for DINO")
        }
        guard model.imageSize % model.maskUnit == 0 else {
            throw ConfigurationError.invalid(
                "model.imageSize", found: model.imageSize,
                expected: "a multiple of \(model.maskUnit), the pixels that are hidden as one")
        }
        let side = model.imageSize / model.maskUnit
        let grid = MaskGrid(rows: side, columns: side, patchSize: model.maskUnit)
        do { try masks.validate(on: grid) } catch let error as ConfigurationError {
            throw error.inside("method.masks")
        }
    }

    public static func validate(_ run: RunConfiguration<Self>) throws {
        guard run.run.parallel == 1 || run.method.head.norm != .batch else {
            throw ConfigurationError.invalid(
                "run.parallel", found: run.run.parallel, expected: "1 with method.head.norm=batch",
                advice: "parts that are computed at the same time would move its averages in any "
                    + "order; run.accumulation has them follow one another")
        }
    }

    public func validate(views: [ImagePipeline], for model: Shape) throws {
        let expected = globalCrops + localCrops
        guard views.count == expected else {
            throw ConfigurationError.invalid(
                views.count == 1 ? "data.augment" : "data.views",
                found: views.count == 1 ? "a single view" : "\(views.count) views",
                expected: "\(expected): method.globalCrops, then method.localCrops",
                advice: "large views first; their number is data.views.count")
        }
        guard views.prefix(globalCrops).allSatisfy({ $0.size == views[0].size }) else {
            throw ConfigurationError.invalid(
                "data.views", found: "large views of different sizes",
                expected: "the first \(globalCrops) of one size")
        }
        for size in views.compactMap(\.size)
        where min(size.height, size.width) < model.patchSize {
            throw ConfigurationError.invalid(
                "data.views", found: "a view of \(size.height) × \(size.width) pixels",
                expected: "at least a patch, model.patchSize is \(model.patchSize)",
                advice: "without data.views method.localSize is the side of small views")
        }
    }
}
