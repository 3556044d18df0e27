import Foundation
public import NN
public import Torch

/// The losses of DINO and iBOT, with the centres of the teacher's logits.
///
/// 1. P = softmax((t − c) / τ) of the teacher's class logits, or the assignments of Sinkhorn and Knopp
/// 2. class: mean of −Σ P log softmax(s / τₛ) over all pairs of a teacher's view and another view of the
///    student
/// 3. patches: the same within a view, between a hidden patch and what the teacher sees there: the mean
///    over a view's hidden patches, then over all views, whole ones counting as 0
/// 4. c ← m c + (1 − m) · mean t, after the step, over all views and all patches
///
/// Caron et al. 2021, section 3.1; Zhou et al. 2022, equations 2 and 3. B pictures, G global of V
/// views, M hidden patches, K and K₂ prototypes.
///
/// The means of a step's parts are put together, so that accumulated gradients see the centres of one
/// large batch; so are their logits where assignments are of the whole batch.
public final class DistillationLoss: Module {
    @Buffer public var center: Tensor  // [1, K]
    @Buffer public var center2: Tensor  // [1, 1, K₂]
    let studentTemperature: Double
    let centerMomentum: Double
    let centering: Centering
    private var seen: [Int: Seen] = [:]
    private var kept: [Int: Lesson] = [:]
    private let lock = NSLock()

    /// The teacher's mean logits of a part of a step.
    private struct Seen {
        let count: Int
        let classMean: Tensor  // [1, K]
        let patchMean: Tensor?  // [1, K₂]
    }

    init(
        prototypes: Int, patchPrototypes: Int, studentTemperature: Double = 0.1,
        centerMomentum: Double = 0.9, centering: Centering = .running
    ) {
        center = Init.zeros([1, prototypes])
        center2 = Init.zeros([1, 1, patchPrototypes])
        self.studentTemperature = studentTemperature
        self.centerMomentum = centerMomentum
        self.centering = centering
    }

    /// What keeps the teacher from one answer for all pictures.
    public enum Centering: String, Codable, Sendable, CaseIterable {
        /// A running mean of its logits is taken off: DINO, iBOT.
        case running
        /// Every prototype gets an equal share of the batch: SwAV, DINOv2.
        case sinkhorn
    }

    /// What one of the networks says of a batch.
    struct Logits {
        /// Of views after views, `[G·B, K]` of the teacher, `[V·B, K]` of the student.
        let classes: Tensor
        /// Of the hidden patches, `[M, K₂]`; nil without any.
        var patches: Tensor?
        /// The mean over all patches, of the teacher alone, `[1, K₂]`.
        var patchMean: Tensor?
    }

    /// The teacher's distributions, of rows as `Logits`.
    struct Targets {
        let classes: Tensor
        let patches: Tensor?
    }

    /// What the teacher says of a part of a step.
    struct Lesson {
        let logits: Logits
        /// nil until they are made.
        var targets: Targets?
    }

    struct Terms {
        let classLoss: Tensor
        /// 0 where nothing is hidden.
        let patchLoss: Tensor
        let monitored: [(name: String, value: Tensor)]
    }
}

// MARK: - The losses

extension DistillationLoss {
    /// - Parameters:
    ///   - student: its logits, those of global views first.
    ///   - teacher: its logits, recorded by no graph.
    ///   - given: its targets; without them they are those of this part by itself.
    ///   - views: G and V.
    ///   - weights: of the hidden patches, `[M]`.
    ///   - temperatures: τ of the class and of patches.
    ///   - part: which one of the step; several may come at once.
    /// - Returns: both losses.
    func callAsFunction(
        _ student: Logits, _ teacher: Logits, targets given: Targets? = nil,
        views: (global: Int, all: Int), weights: Tensor?,
        temperatures: (classes: Double, patches: Double), part: Int = 0
    ) -> Terms {
        let own = Seen(
            count: teacher.classes.shape[0],
            classMean: noGrad { teacher.classes.mean(0, keepDim: true) },
            patchMean: teacher.patchMean)
        lock.withLock { seen[part] = own }
        let targets = given ?? targets(of: [teacher], temperatures)[0]
        let classLoss = classLoss(student.classes, targets.classes, views: views)
        var monitored = DistillationMonitor.values(
            of: targets.classes, loss: classLoss.detached(), center: center,
            isBalanced: centering == .sinkhorn, prefix: "")
        var patchLoss = Tensor.zeros([], dtype: classLoss.dtype, device: classLoss.device)
        if let logits = student.patches, let targets = targets.patches, let weights {
            let rows = crossEntropy(logits, targets)  // [M]
            patchLoss = (rows * weights.to(dtype: rows.dtype)).sum()
            monitored += DistillationMonitor.values(
                of: targets, loss: rows.detached().mean(), center: center2,
                isBalanced: centering == .sinkhorn, prefix: "patch_")
        }
        return Terms(classLoss: classLoss, patchLoss: patchLoss, monitored: monitored)
    }

    /// The mean over pairs of one of G targets `[G·B, K]` and another of V predictions `[V·B, K]`.
    ///
    /// A prediction meets the sum of all targets but its own view's: G + 1 products instead of one for
    /// each of the G (V − 1) pairs.
    private func classLoss(
        _ logits: Tensor, _ targets: Tensor, views: (global: Int, all: Int)
    ) -> Tensor {
        let (rows, k) = targets.shape2
        let b = rows / views.global
        let likelihoods = (logits / studentTemperature).logSoftmax(-1)
            .reshaped(views.all, b, k)
        let targets = targets.reshaped(views.global, b, k)
        let all = (likelihoods.sum(0) * targets.sum(0)).sum()
        let own = (likelihoods[..<views.global] * targets).sum()
        return (own - all) / Double(b * views.global * (views.all - 1))
    }

    /// −Σ q log softmax(s / τₛ) of each row: `[M, K] -> [M]`.
    private func crossEntropy(_ logits: Tensor, _ targets: Tensor) -> Tensor {
        -(targets * (logits / studentTemperature).logSoftmax(-1)).sum(-1)
    }

    /// The teacher's targets of parts of a step.
    private func targets(
        of parts: [Logits], _ temperatures: (classes: Double, patches: Double)
    ) -> [Targets] {
        noGrad {
            let classes = assign(parts.map(\.classes), center, temperatures.classes)
            let patches = assign(
                parts.compactMap(\.patches), center2.reshaped(1, -1), temperatures.patches)
            var next = patches.makeIterator()
            return zip(parts, classes).map { part, classes in
                Targets(classes: classes, patches: part.patches == nil ? nil : next.next())
            }
        }
    }

    /// Distributions `[R, K]` for logits `[R, K]` of each part.
    private func assign(
        _ parts: [Tensor], _ center: Tensor, _ temperature: Double
    ) -> [Tensor] {
        switch centering {
        case .running: parts.map { (($0 - center) / temperature).softmax(-1) }
        case .sinkhorn: sinkhornKnopp(parts.map { $0.atLeastFloat32 / temperature })
        }
    }
}

// MARK: - Targets of a whole step

extension DistillationLoss {
    /// Keeps the teacher's logits of a part until the step is done; several may come at once.
    func keep(_ logits: Logits, ofPart part: Int) {
        lock.withLock { kept[part] = Lesson(logits: logits) }
    }

    /// Makes the targets of all parts that are kept, each with regard to the others.
    ///
    /// They take the place of the logits of patches, of which only the mean is still needed.
    func assemble(_ temperatures: (classes: Double, patches: Double)) {
        let parts = kept.sorted { $0.key < $1.key }
        let targets = targets(of: parts.map(\.value.logits), temperatures)
        for ((part, lesson), targets) in zip(parts, targets) {
            let logits = Logits(
                classes: lesson.logits.classes, patchMean: lesson.logits.patchMean)
            kept[part] = Lesson(logits: logits, targets: targets)
        }
    }

    /// What is kept of a part.
    func lesson(ofPart part: Int) -> Lesson? { lock.withLock { kept[part] } }
}

// MARK: - The centres

extension DistillationLoss {
    /// Moves the centres towards the means of the step that is done.
    func updateCenters() {
        let seen = self.seen.sorted { $0.key < $1.key }.map(\.value)
        defer { (self.seen, kept) = ([:], [:]) }
        let total = Double(seen.reduce(0) { $0 + $1.count })
        func move(_ center: Tensor, _ mean: (Seen) -> Tensor?) {
            let shares = seen.compactMap { part in
                mean(part).map { $0 * (Double(part.count) / total) }
            }
            guard let first = shares.first else { return }
            let mean = shares.dropFirst().reduce(first, +).reshaped(center.shape)
            let moved =
                center * centerMomentum + mean.to(dtype: center.dtype) * (1 - centerMomentum)
            // A step whose logits are not finite is skipped; the centre would never recover from it.
            center.copyInPlace(moved.sum().isFinite().select(moved, else: center))
        }
        noGrad {
            move(center) { $0.classMean }
            move(center2) { $0.patchMean }
        }
    }
}
