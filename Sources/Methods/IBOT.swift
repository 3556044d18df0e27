import Configuration
public import Data
public import NN
public import Torch
public import Training
public import VisionModels

/// iBOT: Zhou et al., *iBOT: Image BERT Pre-Training with Online Tokenizer* (2022); without hidden
/// patches DINO: Caron et al., *Emerging Properties in Self-Supervised Vision Transformers* (2021).
///
/// 1. two large views of a picture and several small ones; patches of large ones are hidden at random
/// 2. the teacher sees the large views whole: distributions over prototypes, of the picture and of
///    every patch, centred and sharpened                               (section 3.1; DINO 3.1)
/// 3. the student sees large views with gaps, and small ones
/// 4. L = λ₁ · cross entropy of pictures across views + λ₂ · that of hidden patches within a view  (3.2)
/// 5. the teacher follows the student: θₜ ← m θₜ + (1 − m) θₛ; the centres follow its logits
///
/// Shapes: B pictures, G global of V views, N patches, M hidden ones, D encoder width, F bottleneck, K
/// prototypes. Rows run over views, then pictures.
///
/// Equal to the reference, at less cost: of the student's patches only hidden ones go through the head,
/// and of the teacher's logits only those of hidden patches are made, besides their mean, which is made
/// of the mean before the last layer.
public final class IBOT<Shape: DistilledModel>: Module {
    public typealias Encoder = Shape.Encoder

    public static var name: String { Shape.ibotName }

    public let student: DistillationNetwork<Encoder>
    public let teacher: DistillationNetwork<Encoder>
    let ibotLoss: DistillationLoss
    let config: Config
    private let average: MovingAverage

    public init(_ config: Config, backbone: Encoder, generator: Generator) throws {
        try config.validate(for: backbone.config)
        self.config = config
        backbone.initializeDistilled(generator: generator)
        student = config.network(backbone, sharesHead: config.sharedHead, generator: generator)
        teacher = try Init.leavingOut {
            config.network(
                try backbone.config.teacher.encoder(generator: nil),
                sharesHead: config.sharedTeacherHead, generator: nil)
        }
        average = MovingAverage(ofShared: student, in: teacher)
        ibotLoss = DistillationLoss(
            prototypes: config.prototypes, patchPrototypes: config.patchPrototypeCount,
            studentTemperature: config.studentTemperature, centering: config.centering)
        super.init()
        try startTeacher()
    }

    /// The teacher's encoder, which is the better one after training.
    public var backbone: Encoder { teacher.backbone }

    /// The teacher starts as the student.
    ///
    /// A teacher whose patches share the class's prototypes while the student's have their own starts
    /// with the patches', as in the reference, where the later of two tensors of one name wins.
    private func startTeacher() throws {
        var weights: [String: Tensor] = [:]
        for (name, tensor) in student.stateDict { weights[name] = tensor.detached() }
        for (name, tensor) in student.stateDict
        where config.sharedTeacherHead && name.hasPrefix("head.last_layer2.") {
            weights[name.replacing("last_layer2", with: "last_layer")] = tensor.detached()
        }
        for (name, tensor) in teacher.stateDict
        where config.sharedHead && name.hasPrefix("head.last_layer2.") {
            weights[name] = weights[name.replacing("last_layer2", with: "last_layer")]
            require(weights[name]?.shape == tensor.shape, "\(name) has another shape")
        }
        let known = Set(teacher.stateDict.map(\.name))
        try teacher.load(weights.filter { known.contains($0.key) })
        teacher.freeze()
    }
}

// MARK: - The objective

extension IBOT: SelfDistillingMethod {
    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        let views = batch.views
        return loss(
            global: Array(views[..<config.globalCrops]),
            local: Array(views[config.globalCrops...]), mask: mask(of: batch), at: step)
    }

    /// The loss of given views `[B, C, H, W]`; nil hides nothing.
    func loss(
        global: [Tensor], local: [Tensor], mask: DistillationMask?, at step: Step
    ) -> Losses {
        let prepared = ibotLoss.lesson(ofPart: step.part)
        let (teacher, answers) = (
            prepared?.logits ?? teach(global, mask), learn(global, local, mask)
        )
        let terms = ibotLoss(
            answers.logits, teacher, targets: prepared?.targets,
            views: (global.count, global.count + local.count), weights: mask?.weights,
            temperatures: config.temperatures(at: step.epoch), part: step.part)
        let (ofClass, ofPatches) = (
            terms.classLoss * config.classWeight, terms.patchLoss * config.patchWeight
        )
        var total = ofClass + ofPatches
        var parts: [(name: String, value: Tensor)] = [("cls", ofClass), ("patch", ofPatches)]
        if config.koLeo > 0, let spread = answers.koLeo {
            total = total + spread * config.koLeo
            parts.append(("koleo", spread))
        }
        parts += noGrad { agreement(teacher.classes, answers.logits.classes, global.count) }
        return Losses(total: total, parts: parts + terms.monitored)
    }

    /// The teacher's logits of whole global views, and those of the patches that the student does not see.
    private func teach(_ global: [Tensor], _ mask: DistillationMask?) -> DistillationLoss.Logits {
        noGrad {
            let tokens = teacher.tokens(global)[0]  // [G·B, 1 + N, D]
            return config.patchWeight > 0
                ? teacher.logitsWithMean(of: tokens, patches: mask?.patches)
                : teacher.logits(of: [tokens], patches: nil)
        }
    }

    /// The student's logits of all views and of the patches that it does not see; the spread of its
    /// pictures where that counts.
    private func learn(
        _ global: [Tensor], _ local: [Tensor], _ mask: DistillationMask?
    ) -> (logits: DistillationLoss.Logits, koLeo: Tensor?) {
        let outputs = student.tokens(
            global, mask: mask?.hidden, local: local, packs: config.packsCrops)
        return (
            student.logits(of: outputs, patches: mask?.patches),
            config.koLeo > 0 ? spread(of: outputs[0][0..., 0], views: global.count) : nil
        )
    }

    /// Of class tokens `[G·B, D]`, each view by itself.
    private func spread(of features: Tensor, views: Int) -> Tensor? {
        let parts = features.chunks(views, 0).compactMap(koLeo)
        guard let first = parts.first else { return nil }
        return parts.dropFirst().reduce(first, +)
    }

    /// How often both networks name the same prototype for two views of a picture.
    private func agreement(
        _ teacher: Tensor, _ student: Tensor, _ views: Int
    ) -> [(name: String, value: Tensor)] {
        guard views > 1 else { return [] }
        let b = teacher.shape[0] / views
        let same = teacher[..<b].argmax(1) .== student[b..<2 * b].argmax(1)
        return [("acc", same.to(dtype: .float32).mean())]
    }

    /// What is hidden of a batch, a function of picture, view and epoch; nil for DINO.
    func mask(of batch: ImageBatch) -> DistillationMask? {
        guard config.patchWeight > 0 else { return nil }
        let (_, _, height, width) = batch.images.shape4
        let unit = student.backbone.config.maskUnit
        let grid = MaskGrid(rows: height / unit, columns: width / unit, patchSize: unit)
        return DistillationMask(
            (0..<config.globalCrops).flatMap { batch.masks(config.masks, on: grid, view: $0) },
            on: batch.images.device)
    }
}

// MARK: - Steps

extension IBOT: WholeStepMethod {
    /// Equal shares are those of the whole step.
    public var comparesParts: Bool { config.centering == .sinkhorn }

    public func prepare(_ batch: ImageBatch, at step: Step) {
        let global = Array(batch.views[..<config.globalCrops])
        ibotLoss.keep(teach(global, mask(of: batch)), ofPart: step.part)
    }

    public func assemble(at step: Step) {
        ibotLoss.assemble(config.temperatures(at: step.epoch))
    }

    public func afterStep(_ step: Step) {
        average.update(momentum: config.momentum(at: step))
        ibotLoss.updateCenters()
    }

    /// Prototypes stay as they are in the first epochs, until what is compared with them has settled.
    public func isTrained(_ name: String, at step: Step) -> Bool {
        step.epoch >= config.freezeLastLayer || !name.contains("last_layer")
    }

    public static var trainedEncoder: String { "student.backbone." }
}
