import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods

/// Heads, multi-crop batches and losses of DINO and iBOT with recorded weights and masks.
@Suite("DINO and iBOT equal to the reference") struct DistillationParityTests {
    @Test("iBOT's heads", arguments: ParityTable.cases("ibot", "head_ibot_*"))
    func head(item: ParityCase) throws {
        let recorded = try RecordedDistillation(item)
        let head = try recorded.head(
            recorded.settings.int("in_dim"), isShared: recorded.settings.bool("shared_head"))
        // Batch norm was recorded with its running statistics.
        head.evaluate()
        let x = try item.tensor("in/x").requiringGrad()
        let hidden = head.hidden(x)
        let (ofClass, ofPatches) = (
            head.classLogits(hidden[0..., 0]), head.patchLogits(hidden[0..., 1...])
        )
        item.compare("out/cls", ofClass, tolerance: .absolute(1e-5))
        item.compare("out/patch", ofPatches, tolerance: .absolute(1e-5))
        item.compare(
            "out/cls_only", head.classLogits(head.hidden(try item.tensor("in/x_cls_only"))),
            tolerance: .absolute(1e-5))
        let loss =
            (ofClass * (try item.tensor("in/cot_cls"))).sum()
            + (ofPatches * (try item.tensor("in/cot_patch"))).sum()
        loss.backward()
        item.compareGradients(of: head.namedParameters + [("input", x)])
        item.finish()
    }

    @Test("DINO's heads", arguments: ParityTable.cases("ibot", "head_dino_*"))
    func plainHead(item: ParityCase) throws {
        let recorded = try RecordedDistillation(item)
        let head = try recorded.head(recorded.settings.int("in_dim"), isShared: true)
        head.evaluate()
        item.compare(
            "out/y", head.classLogits(head.hidden(try item.tensor("in/x"))),
            tolerance: .absolute(1e-5))
        item.finish()
    }

    @Test("views of two sizes", arguments: ParityTable.cases("ibot", "multicrop"))
    func multiCrop(item: ParityCase) throws {
        let recorded = try RecordedDistillation(item)
        let config = try recorded.vit(recorded.settings)
        let backbone = try VisionTransformer(config, generator: nil)
        try backbone.load(item.tensors("w/backbone."))
        let weights = try item.weights
        let isShared =
            weights["head.last_layer2.weight_v"]
            .map { second in weights["head.last_layer.weight_v"]?.isEqual(to: second) == true }
            ?? true
        let network = DistillationNetwork(
            backbone, try recorded.head(config.width, isShared: isShared, prefix: "w/head."),
            patchHead: nil)
        let global = try item.names("in/g").compactMap { Int($0.dropFirst("in/g".count)) }.sorted()
            .map { try item.tensor("in/g\($0)") }
        try #require(!global.isEmpty)
        let local = try item.tensor("in/l").unbound(0)
        let mask = try recorded.mask("in/mask")
        let tokens = network.tokens(global, mask: mask.hidden)
        #expect(tokens.count == 1)
        let hidden = network.head.hidden(tokens[0])
        item.compare("out/cls", network.head.classLogits(hidden[0..., 0]))
        item.compare("out/patch", network.head.patchLogits(hidden[0..., 1...]))
        item.compare("out/backbone_unmasked", network.tokens(global)[0])
        // Views of another size are a batch of their own, also in one pass with the others.
        for packs in [false, true] {
            let groups = network.tokens(global, mask: mask.hidden, local: local, packs: packs)
            #expect(
                groups.map { $0.shape[0] } == [tokens[0].shape[0], local.count * local[0].shape[0]])
            item.compare(
                "out/cls", network.head.classLogits(network.head.hidden(groups[0][0..., 0])))
            item.compare(
                "out/local_cls", network.head.classLogits(network.head.hidden(groups[1][0..., 0])))
        }
        item.finish()
    }

    @Test("losses, centres and temperatures", arguments: ParityTable.cases("ibot", "ibot_loss"))
    func loss(item: ParityCase) throws {
        let recorded = try RecordedDistillation(item)
        let config = recorded.settings
        let (global, local) = (try config.int("ngcrops"), try config.int("nlcrops"))
        let warmup = try config.int("warmup_teacher_temp_epochs")
        let delay = try config.int("mim_start_epoch")
        let ramps = try (
            TemperatureRamp(
                config.double("warmup_teacher_temp"), config.double("teacher_temp"),
                epochs: warmup),
            TemperatureRamp(
                config.double("warmup_teacher_temp2"), config.double("teacher_temp2"),
                epochs: warmup)
        )
        let epochs = try config.int("nepochs")
        item.compare(
            "out/teacher_temp_schedule",
            Tensor((0..<epochs).map { Float(ramps.0.value(at: $0)) }), tolerance: .relative(1e-6))
        item.compare(
            "out/teacher_temp2_schedule",
            Tensor((0..<epochs).map { Float(ramps.1.value(at: $0, delay: delay)) }),
            tolerance: .relative(1e-6))
        func temperatures(_ epoch: Int) -> (classes: Double, patches: Double) {
            (ramps.0.value(at: epoch), ramps.1.value(at: epoch, delay: delay))
        }
        func made() throws -> DistillationLoss {
            DistillationLoss(
                prototypes: try config.int("K"), patchPrototypes: try config.int("K2"))
        }

        let losses = try made()
        losses.center.copyInPlace(try item.tensor("in/center0"))
        losses.center2.copyInPlace(try item.tensor("in/center2_0"))
        let weights = try (config.double("lambda1"), config.double("lambda2"))
        for (index, epoch) in try config.array("epochs").enumerated() {
            func tensor(_ name: String) throws -> Tensor { try item.tensor("in/\(index)/\(name)") }
            var inputs: [String: Tensor] = [:]
            for name in ["student_cls", "student_local_cls", "student_patch"]
            where try item.contains("in/\(index)/\(name)") {
                inputs[name] = try tensor(name).requiringGrad()
            }
            // Without local views there are none of their logits.
            let classes = ["student_cls", "student_local_cls"].compactMap { inputs[$0] }
            try #require(local == 0 || classes.count == 2)
            let patches = try #require(inputs["student_patch"]).flattened(0, 1)
            let mask = try recorded.mask("in/\(index)/masks")
            let teacherPatches = try tensor("teacher_patch").flattened(0, 1)
            let terms = losses(
                .init(
                    classes: concatenated(classes, 0),
                    patches: mask.patches.map(patches.selectingRows)),
                .init(
                    classes: try tensor("teacher_cls"),
                    patches: mask.patches.map(teacherPatches.selectingRows),
                    patchMean: teacherPatches.mean(0, keepDim: true)),
                views: (global, global + local), weights: mask.weights,
                temperatures: temperatures(try epoch.int))
            let total = terms.classLoss * weights.0 + terms.patchLoss * weights.1
            item.compare(
                "out/\(index)/cls", terms.classLoss * weights.0, tolerance: .relative(1e-5))
            item.compare(
                "out/\(index)/patch", terms.patchLoss * weights.1, tolerance: .relative(1e-5))
            item.compare("out/\(index)/loss", total, tolerance: .relative(1e-5))
            total.backward()
            for (name, input) in inputs {
                // Where nothing is hidden, nothing depends on the patches.
                let gradient = input.gradient ?? .zeros(like: input.detached())
                let recorded = "grad/\(index)/\(name)"
                if try item.contains(recorded) {
                    item.compare(recorded, gradient, tolerance: .ofMaximum(1e-4))
                } else {
                    #expect(gradient.abs().max().item == 0, "\(recorded)")
                }
            }
            losses.updateCenters()
            item.compare("out/\(index)/center", losses.center, tolerance: .absolute(1e-6))
            item.compare("out/\(index)/center2", losses.center2, tolerance: .absolute(1e-6))
        }

        // Large views alone, nothing hidden, centres at 0.
        let plain = try made()
        let patches = try item.tensor("in/nolocal/teacher_patch").flattened(0, 1)
        let terms = plain(
            .init(classes: try item.tensor("in/nolocal/student_cls")),
            .init(
                classes: try item.tensor("in/nolocal/teacher_cls"),
                patchMean: patches.mean(0, keepDim: true)),
            views: (global, global), weights: nil, temperatures: temperatures(0))
        item.compare(
            "out/nolocal/cls", terms.classLoss * weights.0, tolerance: .relative(1e-5))
        item.compare("out/nolocal/patch", terms.patchLoss, tolerance: .absolute(0))
        plain.updateCenters()
        item.compare("out/nolocal/center", plain.center, tolerance: .absolute(1e-6))
        item.compare("out/nolocal/center2", plain.center2, tolerance: .absolute(1e-6))
        item.finish()
    }

    /// DINO's own model has no masks, and its positions are resized without iBOT's 0.1.
    @Test("DINO's vision transformer", arguments: ParityTable.cases("ibot", "dino_vit"))
    func dino(item: ParityCase) throws {
        let recorded = try RecordedDistillation(item)
        var config = try recorded.vit(recorded.settings).teacher
        config.positionResize = .bicubic
        let model = try VisionTransformer(config, generator: nil)
        try model.load(item.weights)
        let x = try item.tensor("in/x")
        item.compare("out/attn", model.lastAttention(x))
        item.compare("out/attn0", model.lastAttention(try item.tensor("in/x0")))
        item.compare("out/cls", model.distilledTokens(x, mask: nil)[0..., 0])
        // Class tokens of the last blocks, then the mean of the last one's patches.
        let count = try item.tensor("out/last2").shape[1] / config.width - 1
        let layers = model.intermediateLayers(x, count: count)
        let patches = try #require(layers.last)[0..., 1...].mean(1)
        item.compare("out/last2", concatenated(layers.map { $0[0..., 0] } + [patches], 1))
        item.finish()
    }
}
