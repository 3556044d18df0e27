import Configuration
import Data
import Foundation
import Imaging
import NN
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

@Suite("DINO and iBOT") struct DistillationTests {
    typealias ViT = VisionTransformer.Config
    typealias Swin = SwinTransformer.Config

    private static func vit() -> ViT {
        var model = ViT.publishedIBOT
        (model.imageSize, model.patchSize, model.channels) = (16, 4, 1)
        (model.width, model.depth, model.heads, model.dropPath) = (16, 2, 2, 0)
        return model
    }

    private static func swin() -> Swin {
        var model = Swin.publishedIBOT
        (model.imageSize, model.channels, model.width, model.window) = (32, 1, 8, 4)
        (model.depths, model.heads, model.dropPath) = ([2, 1], [1, 2], 0)
        return model
    }

    private static func make<Shape: DistilledModel>(
        _ model: Shape, _ change: (inout IBOT<Shape>.Config) -> Void = { _ in }
    ) throws -> IBOT<Shape> {
        var config = IBOT<Shape>.Config()
        (config.localCrops, config.localSize, config.prototypes) = (2, 8, 24)
        (config.head.width, config.head.bottleneck) = (12, 6)
        change(&config)
        let generator = Generator(seed: 1)
        return try IBOT(config, backbone: model.encoder(generator: generator), generator: generator)
    }

    private static let start = Step(index: 0, epoch: 0, total: 10)

    private static func views(_ count: Int = 3, side: Int = 16, small: Int = 8, seed: UInt64 = 3)
        -> (global: [Tensor], local: [Tensor])
    {
        let generator = Generator(seed: seed)
        func draw(_ side: Int) -> Tensor { .normal([count, 1, side, side], generator: generator) }
        return ([draw(side), draw(side)], [draw(small), draw(small)])
    }

    private static func mask(_ count: Int, side: Int = 4, hiding patches: [[Int]])
        -> DistillationMask
    {
        let grid = MaskGrid(rows: side, columns: side)
        return DistillationMask(
            (0..<2 * count).map { PatchMask(grid, hiding: patches[$0 % patches.count]) }, on: .cpu)
    }

    /// What class and patches share.
    enum Heads: CaseIterable {
        case shared, ownPrototypes, untied

        func set<Shape: DistilledModel>(_ config: inout IBOT<Shape>.Config) {
            let shares = self != .ownPrototypes
            (config.sharedHead, config.sharedTeacherHead) = (shares, shares)
            config.untiedHeads = self == .untied
        }
    }

    // MARK: - Networks

    @Test("the teacher starts as the student, has no token of hidden patches and no gradients")
    func networks() throws {
        for heads in Heads.allCases {
            let method = try Self.make(Self.vit(), heads.set)
            let student = Dictionary(method.student.stateDict.map { ($0.name, $0.tensor) }) { $1 }
            for (name, tensor) in method.teacher.stateDict {
                #expect(student[name]?.detached().isEqual(to: tensor.detached()) == true, "\(name)")
            }
            let alone = Set(student.keys).subtracting(method.teacher.stateDict.map(\.name))
            #expect(alone == ["backbone.masked_embed"])
            let views = Self.views()
            method.loss(
                global: views.global, local: views.local,
                mask: Self.mask(3, hiding: [[0, 5], [], [7]]), at: Self.start
            ).total.backward()
            for (name, tensor) in method.namedParameters {
                #expect((tensor.gradient != nil) == name.hasPrefix("student."), "\(name)")
            }
        }
    }

    @Test(
        "a shared teacher of a student with two heads starts with the patches', then follows the class's"
    )
    func unequalHeads() throws {
        let method = try Self.make(Self.vit()) {
            ($0.sharedHead, $0.sharedTeacherHead, $0.momentum) = (false, true, 0)
        }
        let (student, teacher) = (method.student.head, method.teacher.head)
        let (own, patches, followed) = (
            try #require(student.lastLayer), try #require(student.lastLayer2),
            try #require(teacher.lastLayer)
        )
        #expect(teacher.lastLayer2 == nil)
        #expect(followed.weightV.detached().isEqual(to: patches.weightV.detached()))
        method.afterStep(Self.start)
        expect(followed.weightV.detached(), closeTo: own.weightV.detached(), atol: 1e-6)
    }

    @Test(
        "the loss as the papers write it, view by view", arguments: Heads.allCases, [false, true])
    func formula(heads: Heads, packs: Bool) throws {
        let method = try Self.make(Self.vit()) {
            heads.set(&$0)
            ($0.classWeight, $0.patchWeight, $0.packsCrops) = (1.5, 0.5, packs)
            if heads != .shared { $0.patchPrototypes = 20 }
        }
        let generator = Generator(seed: 9)
        method.ibotLoss.center.fillNormalInPlace(std: 0.1, generator: generator)
        method.ibotLoss.center2.fillNormalInPlace(std: 0.1, generator: generator)
        let views = Self.views(2)
        let hidden = [[0, 5], [], [7, 8, 9], [1]]
        let mask = Self.mask(2, hiding: hidden)
        let found = method.loss(
            global: views.global, local: views.local, mask: mask,
            at: Step(index: 40, epoch: 40, total: 80))

        func logits(
            _ network: DistillationNetwork<VisionTransformer>, _ view: Tensor, _ mask: Tensor?
        )
            -> (classes: Tensor, patches: Tensor)
        {
            let tokens = network.backbone.distilledTokens(view, mask: mask)
            let (head, patches) = (network.head, tokens[0..., 1...])
            return (
                head.classLogits(head.hidden(tokens[0..., 0])),
                network.patchHead.map { $0.classLogits($0.hidden(patches)) }
                    ?? head.patchLogits(head.hidden(patches))
            )
        }
        func crossEntropy(_ target: Tensor, _ answer: Tensor) -> Tensor {
            -(target * (answer / 0.1).logSoftmax(-1)).sum(-1)
        }
        let teacher = views.global.map { logits(method.teacher, $0, nil) }
        let student =
            (0..<2).map { view in
                logits(method.student, views.global[view], mask.hidden[2 * view..<2 * view + 2])
            } + views.local.map { logits(method.student, $0, nil) }
        var (ofClass, ofPatches) = (0.0, 0.0)
        for q in 0..<2 {
            let target = ((teacher[q].classes - method.ibotLoss.center) / 0.07).softmax(-1)
            for v in 0..<4 where v != q {
                ofClass += crossEntropy(target, student[v].classes).mean().item / 6
            }
            let patches = ((teacher[q].patches - method.ibotLoss.center2) / 0.07).softmax(-1)
            let errors = crossEntropy(patches, student[q].patches)  // [B, N]
            for picture in 0..<2 {
                let places = hidden[2 * q + picture]
                let sum = places.reduce(0) { $0 + errors[picture, $1].item }
                ofPatches += sum / Double(max(places.count, 1)) / 4
            }
        }
        let expected = 1.5 * ofClass + 0.5 * ofPatches
        #expect(abs(found.total.item - expected) < 1e-5 * expected)
        let parts = Dictionary(found.parts.map { ($0.name, $0.value.item) }) { $1 }
        #expect(abs((parts["cls"] ?? 0) - 1.5 * ofClass) < 1e-5 * expected)
        #expect(abs((parts["patch"] ?? 0) - 0.5 * ofPatches) < 1e-5 * expected)
        // The centres follow all patches, hidden or not.
        let before = method.ibotLoss.center2.clone()
        method.afterStep(Self.start)
        let mean = stacked(teacher.map(\.patches)).mean(0, 1, 2)
        expect(
            method.ibotLoss.center2.reshaped(-1),
            closeTo: (before.reshaped(-1) * 0.9 + mean * 0.1).detached(), atol: 1e-6)
    }

    @Test(
        "packed views give the gradients of views one after the other",
        arguments: zip([ViT.RelativePositions.none, .none, .shared, .perBlock], [0, 2, 0, 0]))
    func packing(relativePositions: ViT.RelativePositions, registers: Int) throws {
        var model = Self.vit()
        (model.relativePositions, model.registers) = (relativePositions, registers)
        if relativePositions != .none { model.positions = .none }
        func gradients(packs: Bool) throws -> (loss: Double, gradients: [(String, Tensor)]) {
            let method = try Self.make(model) { $0.packsCrops = packs }
            let views = Self.views()
            let loss = method.loss(
                global: views.global, local: views.local,
                mask: Self.mask(3, hiding: [[0, 5], [], [7]]), at: Self.start
            ).total
            loss.backward()
            return (
                loss.item,
                method.namedParameters.compactMap { name, tensor in
                    tensor.gradient.map { (name, $0) }
                }
            )
        }
        let (packed, apart) = (try gradients(packs: true), try gradients(packs: false))
        #expect(abs(packed.loss - apart.loss) < 1e-5)
        #expect(packed.gradients.count == apart.gradients.count && packed.gradients.count > 20)
        for (found, expected) in zip(packed.gradients, apart.gradients) {
            #expect(found.0 == expected.0)
            // Sums of products in another order.
            let scale = max(1, expected.1.abs().max().item)
            expect(found.1, closeTo: expected.1, atol: 1e-6 * scale)
        }
    }

    @Test("drop path leaves out whole branches of packed views, and nothing outside of training")
    func packedDropPath() throws {
        let generator = Generator(seed: 2)
        let block = Block(16, heads: 2, dropPath: 0.5, generator: generator)
        let parts = [
            Tensor.normal([64, 5, 16], generator: generator),
            Tensor.normal([32, 2, 16], generator: generator),
        ]
        let input = TokenRows(parts)
        func outputs() -> [Tensor] { noGrad { block(input, at: [nil, nil]).parts } }
        block.evaluate()
        let plain = outputs()
        for (part, found) in zip(parts, plain) {
            expect(found, closeTo: noGrad { block(part) }, atol: 1e-5)
        }
        block.train()
        // Both branches are dropped for a quarter of the sequences, which then stay as they are.
        for (part, found) in zip(parts, outputs()) {
            let stays = (found - part).abs().flattened(1).maximum(over: 1).values(as: Float.self)
                .filter { $0 == 0 }
            let share = Double(stays.count) / Double(part.shape[0])
            #expect(share > 0.08 && share < 0.45)
        }
    }

    @Test("accumulated parts move the centres as one large batch does")
    func accumulation() throws {
        func run(_ parts: Int) throws -> (center: Tensor, center2: Tensor, loss: Double) {
            let method = try Self.make(Self.vit()) {
                $0.masks.spread = [0]; $0.masks.ratio = [0.3]
            }
            let views = Self.views(4)
            var loss = 0.0
            for part in 0..<parts {
                let rows = 4 * part / parts..<4 * (part + 1) / parts
                let grid = MaskGrid(rows: 4, columns: 4)
                let masks = (0..<2).flatMap { view in
                    rows.map { PatchMask(grid, hiding: [view, $0, $0 + 8]) }
                }
                var place = Self.start
                place.part = part
                loss +=
                    method.loss(
                        global: views.global.map { $0[rows] }, local: views.local.map { $0[rows] },
                        mask: DistillationMask(masks, on: .cpu), at: place
                    ).total.item / Double(parts)
            }
            method.afterStep(Self.start)
            return (method.ibotLoss.center, method.ibotLoss.center2, loss)
        }
        let (whole, split) = (try run(1), try run(4))
        expect(split.center, closeTo: whole.center, atol: 1e-6)
        expect(split.center2, closeTo: whole.center2, atol: 1e-6)
        #expect(abs(split.loss - whole.loss) < 1e-5)
        #expect(whole.center.abs().max().item > 0)
    }

    @Test("a step that is not finite leaves the centres as they were")
    func nonFinite() throws {
        let method = try Self.make(Self.vit())
        let before = Self.drawCenters(of: method.ibotLoss)
        let views = Self.views()
        _ = method.loss(
            global: views.global.map { $0 * .infinity }, local: views.local, mask: nil,
            at: Self.start)
        method.afterStep(Self.start)
        #expect(method.ibotLoss.center.isEqual(to: before.center))
        #expect(method.ibotLoss.center2.isEqual(to: before.center2))
    }

    @Test("one prototype that is not finite leaves the whole centre as it was")
    func nonFinitePrototype() {
        let losses = DistillationLoss(prototypes: 5, patchPrototypes: 4)
        let before = Self.drawCenters(of: losses)
        func step(_ value: Float) {
            let classes = Tensor([0, 1, value, 2, 3] as [Float], shape: [1, 5])
            _ = losses(
                DistillationLoss.Logits(classes: Tensor.zeros([4, 5])),
                DistillationLoss.Logits(
                    classes: Tensor.zeros([4, 5]) + classes,
                    patchMean: Tensor([1, value, 0, 2] as [Float], shape: [1, 4])),
                views: (global: 2, all: 2), weights: nil,
                temperatures: (classes: 0.1, patches: 0.1))
            losses.updateCenters()
        }
        for value in [Float.nan, .infinity] {
            step(value)
            #expect(losses.center.isEqual(to: before.center), "\(value)")
            #expect(losses.center2.isEqual(to: before.center2), "\(value)")
        }
        step(4)
        #expect(losses.center.isFinite().allTrue && losses.center2.isFinite().allTrue)
        #expect(!losses.center.isEqual(to: before.center))
        #expect(!losses.center2.isEqual(to: before.center2))
    }

    /// Sets centres that are nowhere 0, and returns copies of them.
    private static func drawCenters(
        of losses: DistillationLoss
    ) -> (center: Tensor, center2: Tensor) {
        let generator = Generator(seed: 4)
        for center in [losses.center, losses.center2] {
            center.copyInPlace(Tensor.normal(center.shape, generator: generator))
        }
        return (losses.center.clone(), losses.center2.clone())
    }

    // MARK: - Views and masks

    @Test("views, masks and sizes of a batch of the loader's, on both kinds of models")
    func batches() throws {
        func check<Shape: DistilledModel>(_ model: Shape, side: Int) throws {
            let method = try Self.make(model) {
                ($0.masks.ratio, $0.masks.spread) = ([0.5], [0])
                $0.masks.shape = .random
                $0.localSize = side / 2
            }
            let config = method.config
            let views = config.views(size: PixelSize(side))
            #expect(views.count == 4 && views[0].size == PixelSize(side))
            #expect(views[3].size == PixelSize(side / 2))
            try config.validate(views: views, for: model)
            let batch = ImageBatch(images: Self.views(2, side: side).global[0])
            let mask = try #require(method.mask(of: batch))
            let cells = side / model.maskUnit
            #expect(mask.hidden.shape == [4, cells, cells])
            #expect(mask.patches?.count == 4 * (cells * cells / 2))
            #expect(abs(mask.weights.sum().item - 1) < 1e-5)
            // Views of a picture have masks of their own, the same in every run.
            #expect(!mask.hidden[0].isEqual(to: mask.hidden[2]))
            #expect(try #require(method.mask(of: batch)).hidden.isEqual(to: mask.hidden))
        }
        try check(Self.vit(), side: 16)
        try check(Self.swin(), side: 32)
    }

    @Test("DINO: nothing is hidden, and patches have no head")
    func dino() throws {
        let method = try Self.make(Self.vit()) { $0.patchWeight = 0 }
        #expect(method.mask(of: ImageBatch(images: Self.views().global[0])) == nil)
        let views = Self.views()
        let losses = method.loss(
            global: views.global, local: views.local, mask: nil, at: Self.start)
        losses.total.backward()
        method.afterStep(Self.start)
        #expect(!losses.parts.contains { $0.name.hasPrefix("patch_") })
        #expect(method.ibotLoss.center2.abs().max().item == 0)
        #expect(method.ibotLoss.center.abs().max().item > 0)
        #expect(method.student.backbone.maskedEmbed?.gradient == nil)
    }

    @Test("prototypes stay as they are in the first epochs")
    func frozenPrototypes() throws {
        let method = try Self.make(Self.vit()) { $0.freezeLastLayer = 2 }
        func trained(_ name: String, _ epoch: Int) -> Bool {
            method.isTrained("student." + name, at: Step(index: 0, epoch: epoch, total: 10))
        }
        #expect(!trained("head.last_layer.weight_v", 1) && trained("head.last_layer.weight_v", 2))
        #expect(!trained("head.last_layer2.weight_g", 0))
        #expect(trained("head.mlp.0.weight", 0) && trained("backbone.cls_token", 0))
    }

    @Test("temperatures rise epoch by epoch; a rise longer than the run is cut")
    func temperatures() {
        let ramp = TemperatureRamp(0.04, 0.07, epochs: 4)
        let values = (0..<6).map { ramp.value(at: $0) }
        for (found, expected) in zip(values, [0.04, 0.05, 0.06, 0.07, 0.07, 0.07]) {
            #expect(abs(found - expected) < 1e-12)
        }
        #expect(ramp.value(at: 2, delay: 2) == 0.04 && ramp.value(at: 5, delay: 2) == 0.07)
        #expect(TemperatureRamp(0.04, 0.07, epochs: 1).value(at: 0) == 0.04)
        #expect(TemperatureRamp(0.04, 0.07, epochs: 0).value(at: 0) == 0.07)
    }

    // MARK: - Options

    @Test("Sinkhorn and Knopp: rows are distributions, prototypes have equal shares")
    func sinkhorn() {
        let logits = Tensor.normal([40, 5], generator: Generator(seed: 4)) * 3
        let shares = sinkhornKnopp([logits], iterations: 50)[0]
        expect(shares.sum(1), closeTo: Tensor.ones([40]), atol: 1e-5)
        expect(shares.sum(0), closeTo: Tensor.full([5], 8), atol: 1e-3)
        // Three iterations as the naive loop has them.
        var q = logits.exp()
        for _ in 0..<3 {
            q = q / q.sum(0, keepDim: true) / 5
            q = q / q.sum(1, keepDim: true) / 40
        }
        expect(sinkhornKnopp([logits])[0], closeTo: q * 40, atol: 1e-5)
        // Rows in parts, one of which is empty, are assigned as all in one.
        let parts = sinkhornKnopp([logits[..<7], logits[7..<7], logits[7...]])
        #expect(parts.map { $0.shape[0] } == [7, 0, 33])
        expect(concatenated(parts, 0), closeTo: q * 40, atol: 1e-5)
        // Rows far below the others keep their distribution.
        let far = concatenated([logits[..<1] - 1000, logits[1...]], 0)
        #expect(sinkhornKnopp([far])[0].isFinite().allTrue)
    }

    @Test("KoLeo: distances to the nearest neighbour, and a gradient that spreads")
    func koLeoDistances() throws {
        let x = Tensor.normal([6, 4], generator: Generator(seed: 5))
        let unit = x.normalized()
        var sum = 0.0
        for i in 0..<6 {
            let distances = (0..<6).filter { $0 != i }.map { (unit[i] - unit[$0]).norm().item }
            sum -= log((distances.min() ?? 0) + 1e-8)
        }
        #expect(abs(try #require(koLeo(x)).item - sum / 6) < 1e-5)
        #expect(koLeo(x[..<1]) == nil)
        // Features whose cosines are one number in bfloat16.
        let near = Tensor.normal([40, 16], generator: Generator(seed: 6)) * 0.01 + 1
        let mixed = autocast(to: .bfloat16, on: .cpu) { koLeo(near) }
        #expect(mixed?.item == koLeo(near)?.item)
        let same = Tensor.ones([3, 4]).requiringGrad()
        let loss = try #require(koLeo(same))
        loss.backward()
        #expect(loss.item.isFinite && same.gradient?.isFinite().allTrue == true)
    }

    @Test("options of later papers change the loss, and nothing where they are off")
    func options() throws {
        func loss(_ change: (inout IBOT<ViT>.Config) -> Void) throws -> Double {
            let views = Self.views()
            return try Self.make(Self.vit(), change).loss(
                global: views.global, local: views.local,
                mask: Self.mask(3, hiding: [[0, 5], [2], [7]]), at: Self.start
            ).total.item
        }
        let plain = try loss { _ in }
        #expect(try loss { $0.koLeo = 0 } == plain)
        let spread = try loss { $0.koLeo = 0.1 }
        let shared = try loss { $0.centering = .sinkhorn }
        #expect(spread != plain && shared != plain && shared.isFinite && spread.isFinite)
        // Registers are tokens of no patch.
        var model = Self.vit()
        model.registers = 2
        let views = Self.views()
        let losses = try Self.make(model).loss(
            global: views.global, local: views.local,
            mask: Self.mask(3, hiding: [[0, 5], [2], [7]]), at: Self.start)
        #expect(losses.total.item.isFinite)
    }

    @Test("heads with batch norm see all tokens of a size, as in the reference")
    func batchNorm() throws {
        let method = try Self.make(Self.vit()) { $0.head.norm = .batch }
        let views = Self.views()
        let mask = Self.mask(3, hiding: [[0, 5], [2], [7]])
        let losses = method.loss(
            global: views.global, local: views.local, mask: mask, at: Self.start)
        losses.total.backward()
        #expect(losses.total.item.isFinite)
        let counts = Dictionary(method.stateDict.map { ($0.name, $0.tensor) }) { $1 }
        // One norm behind two layers; large views in one pass, small ones in another.
        #expect(counts["student.head.mlp.1.num_batches_tracked"]?.item == 4)
        #expect(counts["teacher.head.mlp.1.num_batches_tracked"]?.item == 2)
        #expect(counts["student.head.mlp.4.num_batches_tracked"] == nil)
        // The patches of small views are in the statistics of their class tokens.
        let generator = Generator(seed: 9)
        let (large, small) = (
            Tensor.normal([3, 17, 16], generator: generator),
            Tensor.normal([3, 5, 16], generator: generator)
        )
        let others = concatenated([small[0..., ..<1], small[0..., 1...] * 2], 1)
        func logits(_ small: Tensor) -> Tensor {
            method.student.logits(of: [large, small], patches: nil).classes
        }
        let (first, second) = (logits(small), logits(others))
        #expect(first[..<3].isEqual(to: second[..<3]))
        #expect(!first[3...].isEqual(to: second[3...]))
    }

    @Test("logits are products in fp32, whatever the precision of the run")
    func precision() {
        let head = ProjectionHead(
            16, prototypes: 12, patchPrototypes: nil, generator: Generator(seed: 3))
        let x = Tensor.normal([5, 16], generator: Generator(seed: 4))
        autocast(to: .bfloat16, on: .cpu) {
            let hidden = head.hidden(x)
            #expect(hidden.dtype == .float32)
            let logits = head.classLogits(hidden)
            let exact = (head.lastLayer?.weight).map { hidden.matmul($0.transposed()).dtype }
            #expect(logits.dtype == .float32 && exact == .bfloat16)
            let found = withoutAutocast(on: .cpu) {
                logits - hidden.matmul(head.lastLayer!.weight.transposed())
            }
            #expect(found.abs().max().item < 1e-6)
        }
    }

    @Test("what the monitor says of good, uniform and constant targets")
    func monitor() {
        func values(_ targets: Tensor, isBalanced: Bool = false) -> [String: Double] {
            let found = DistillationMonitor.values(
                of: targets, loss: Tensor(scalar: Float(2)), center: Tensor.ones([1, 4]),
                isBalanced: isBalanced, prefix: "")
            return Dictionary(found.map { ($0.name, $0.value.item) }) { $1 }
        }
        let uniform = values(Tensor.full([8, 4], 0.25))
        #expect(abs((uniform["teacher_entropy"] ?? 0) - 1) < 1e-6)
        #expect(abs((uniform["prototypes_used"] ?? 0) - 4) < 1e-5)
        #expect(abs((uniform["teacher_kl"] ?? 0) - (2 - log(4.0))) < 1e-6)
        #expect(uniform["center_norm"] == 2)
        let constant = values(
            Tensor([Int](repeating: 1, count: 8)).oneHot(classCount: 4).to(dtype: .float32))
        #expect(abs(constant["teacher_entropy"] ?? 1) < 1e-6)
        #expect(abs((constant["prototypes_used"] ?? 0) - 1) < 1e-5)
        let good = values(
            Tensor(Array(0..<8).map { $0 % 4 }).oneHot(classCount: 4).to(dtype: .float32))
        #expect(abs((good["prototypes_used"] ?? 0) - 4) < 1e-5)
        let balanced = values(Tensor.full([8, 4], 0.25), isBalanced: true)
        #expect(balanced["prototypes_used"] == nil && balanced.count == 3)
    }

    // MARK: - Settings

    @Test("what is hardly meant is said")
    func warnings() throws {
        func warnings(_ overrides: String...) throws -> [String] {
            let run = try RunConfiguration<IBOT<VisionTransformer.Config>.Config>.resolve(
                overrides: overrides
            ).value
            return IBOT<VisionTransformer.Config>.Config.warnings(run)
        }
        #expect(try warnings().isEmpty)
        #expect(
            try warnings("method.sharedHead=false", "method.sharedTeacherHead=false").isEmpty)
        let heads = try warnings("method.sharedHead=false")
        #expect(heads.count == 1 && heads[0].contains("method.sharedTeacherHead"))
        let late = try warnings("method.masks.startEpoch=20", "schedule.epochs=20")
        #expect(late.count == 1 && late[0].contains("method.masks.startEpoch is 20"))
    }

    @Test("settings that do not fit are refused with their key")
    func settings() {
        func key(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch { return (error as? ConfigurationError)?.key }
        }
        for (expected, change) in [
            ("globalCrops", { $0.globalCrops = 0 }), ("localSize", { $0.localSize = 0 }),
            ("prototypes", { $0.prototypes = 1 }), ("momentum", { $0.momentum = 1.5 }),
            ("studentTemperature", { $0.studentTemperature = 0 }),
            ("patchPrototypes", { $0.patchPrototypes = 5 }),
            ("patchPrototypes", { ($0.sharedHead, $0.patchPrototypes) = (false, 5) }),
            ("masks", { ($0.patchWeight, $0.masks.ratio) = (0, [0.5, 0.5]) }),
            ("classWeight", { ($0.classWeight, $0.patchWeight) = (0, 0) }),
            ("localCrops", { ($0.globalCrops, $0.localCrops) = (1, 0) }),
            ("koLeo", { $0.koLeo = -1 }),
            ("untiedHeads", { ($0.untiedHeads, $0.patchWeight) = (true, 0) }),
            ("sharedTeacherHead", { ($0.untiedHeads, $0.sharedTeacherHead) = (true, false) }),
        ] as [(String, (inout IBOT<ViT>.Config) -> Void)] {
            #expect(key { _ = try Self.make(Self.vit(), change) } == expected)
        }
        var model = Self.vit()
        model.classToken = false
        #expect(key { _ = try Self.make(model) } == "model.classToken")
        model = Self.vit()
        model.masksPatches = false
        #expect(key { _ = try Self.make(model) } == "model")
        #expect(key { _ = try Self.make(model) { $0.patchWeight = 0 } } == nil)
        #expect(
            key { _ = try Self.make(Self.swin()) { $0.packsCrops = true } } == "method.packsCrops")
        let config = IBOT<ViT>.Config()
        let views = config.views(size: 224)
        #expect(views.count == 12)
        #expect(
            key { try config.validate(views: Array(views.dropLast()), for: .publishedIBOT) }
                == "data.views")
        #expect(
            key { try config.validate(views: [views[0]], for: .publishedIBOT) } == "data.augment")
        var mixed = views
        mixed.swapAt(1, 11)
        #expect(key { try config.validate(views: mixed, for: .publishedIBOT) } == "data.views")
        var tiny = config
        tiny.localSize = 15
        #expect(
            key { try tiny.validate(views: tiny.views(size: 224), for: .publishedIBOT) }
                == "data.views"
        )
        tiny.localSize = 16
        #expect(key { try tiny.validate(views: tiny.views(size: 224), for: .publishedIBOT) } == nil)
    }

    @Test("the method sets the defaults of the other sections, for each kind of model")
    func defaults() throws {
        let vit = try RunConfiguration<IBOT<ViT>.Config>.resolve().value
        #expect(vit.model == ViT.publishedIBOT && vit.model.masksPatches)
        #expect(vit.optim.clipEach && vit.optim.clip == 3 && vit.optim.baseLr == 5e-4)
        #expect(vit.schedule.epochs == 800 && vit.schedule.repeatsPeak)
        #expect(vit.run.probeEvery == 10 && vit.data.batchSize == 1024)
        let swin = try RunConfiguration<IBOT<Swin>.Config>.resolve(
            overrides: ["model.window=14", "method.head.width=64"]
        ).value
        #expect(swin.model.window == 14 && swin.method.head.width == 64)
        #expect(swin.schedule.epochs == 300 && !swin.method.head.fixesGain)
        #expect(IBOT<ViT>.name == "ibot" && IBOT<Swin>.name == "ibot-swin")
    }
}
