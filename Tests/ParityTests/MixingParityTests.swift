import Imaging
import Optimizers
import TestSupport
import Testing
import Torch

@testable import Data

/// mixup and CutMix for recorded draws, soft targets, and how λ is drawn.
@Suite("Mixing equal to the reference") struct MixingParityTests {
    @Test("MAE's fine-tuning", arguments: ParityTable.cases("beyondcls", "aug_mixup_cutmix"))
    func beyondcls(item: ParityCase) throws {
        let config = try item.config
        let (images, labels) = (try item.tensor("in/x"), try item.tensor("in/y"))
        for (index, setting) in try config.array("cases").enumerated() {
            let mode = try #require(Mixing.Mode(rawValue: setting.string("mode")))
            let draw = try setting.object("draw")
            let (lambdas, cuts) = (try list(draw, "lam"), try list(draw, "use_cutmix"))
            let cutmix = try setting.array("cutmix")
            var boxes = cutmix.makeIterator()
            let mixtures = try zip(lambdas, cuts).map { lambda, isCut in
                guard try isCut.bool else { return MixPlan.Mixture.blend(try lambda.double) }
                let next = boxes.next()
                let recorded = try #require(next)
                let mixture = MixPlan.Mixture.paste(try rectangle(recorded.array("bbox")))
                #expect(
                    try abs(mixture.lambda(in: size(images)) - recorded.double("lam_out")) < 1e-12)
                return mixture
            }
            try compare(
                item, "out/x\(index)", "out/target\(index)", images, labels,
                MixPlan(mixtures, mode: mode, count: images.shape[0]),
                classes: config.int("num_classes"), smoothing: config.double("label_smoothing"))
        }
        item.finish()
    }

    @Test("MaPeT's modes", arguments: ParityTable.cases("mapet", "mixup_cutmix"))
    func mapet(item: ParityCase) throws {
        let config = try item.config
        for name in try config.object("boxes").keys {
            let words = name.split(separator: "_").map(String.init)
            let mode = try #require(Mixing.Mode(rawValue: words[0]))
            let recorded = try config.object("boxes").object(name)
                .array("bbox_yl_yh_xl_xh_lam")
            let (images, labels) = (
                try item.tensor("in/\(name)/x"), try item.tensor("in/\(name)/y")
            )
            let mixtures: [MixPlan.Mixture] =
                words[1] == "cutmix"
                ? try recorded.map { .paste(try rectangle($0.array)) }
                : try item.tensor("in/\(name)/lam_drawn").doubles.map { .blend($0) }
            for (mixture, row) in zip(mixtures, recorded) {
                #expect(try abs(mixture.lambda(in: size(images)) - row[4].double) < 1e-12)
            }
            try compare(
                item, "out/\(name)/x", "out/\(name)/target", images, labels,
                MixPlan(mixtures, mode: mode, count: images.shape[0]),
                classes: config.int("classes"), smoothing: config.double("smoothing"))
        }
        item.finish()
    }

    @Test("iBOT's losses", arguments: ParityTable.cases("ibot", "finetune_losses"))
    func ibot(item: ParityCase) throws {
        let config = try item.config
        let (images, labels) = (try item.tensor("in/x"), try item.tensor("in/y"))
        let (classes, smoothing) = (try config.int("classes"), try config.double("smoothing"))
        for (index, draw) in try config.array("draws").enumerated() {
            let mixture: MixPlan.Mixture =
                try draw.bool("use_cutmix")
                ? .paste(try rectangle(draw.array("bbox"))) : .blend(try draw.double("lam0"))
            if draw.contains("lam") {
                #expect(try abs(mixture.lambda(in: size(images)) - draw.double("lam")) < 1e-12)
            }
            compare(
                item, "out/mix\(index)/x", "out/mix\(index)/target", images, labels,
                MixPlan([mixture], mode: .batch, count: images.shape[0]), classes: classes,
                smoothing: smoothing)
        }
        let logits = try item.tensor("in/logits")
        var softTarget: Tensor?
        for name in try item.names("out/") {
            let number = name.split { $0 == "_" || $0 == "/" }.last.map { String($0) } ?? ""
            if name.hasPrefix("out/mixup_target_lam") {
                let lambda = try #require(Double(number.dropFirst(3)))
                let plan = MixPlan([.blend(lambda)], mode: .batch, count: labels.shape[0])
                let target = plan.targets(
                    labels, classCount: classes, smoothing: smoothing, imageSize: size(images))
                softTarget = target
                item.compare(name, target, tolerance: .absolute(1e-6))
            } else if name.hasPrefix("out/label_smoothing_") {
                item.compare(
                    name, logits.crossEntropy(labels, smoothing: try #require(Double(number))),
                    tolerance: .relative(1e-5))
            } else if name.hasPrefix("out/clip_norm_") {
                let gradients = try item.names("in/grad").map { try item.tensor($0) }
                item.compare("out/grad_norm", GradientClipping.globalNorm(gradients))
                item.compare(
                    name,
                    GradientClipping.clipInPlace(
                        gradients, toGlobalNorm: try #require(Double(number))))
                for (index, gradient) in gradients.enumerated() {
                    item.compare(
                        "out/clipped\(index)", gradient, tolerance: .absolute(1e-5))
                }
            }
        }
        item.compare("out/ce", logits.crossEntropy(labels), tolerance: .relative(1e-5))
        item.compare(
            "out/soft_ce", logits.crossEntropy(try #require(softTarget)),
            tolerance: .relative(1e-5))
        let drawn = draws(10_000) { Mixing().drawLambda(&$0) }
        for (name, isCut) in [("cutmix", true), ("mixup", false)] {
            item.compare("out/lam_hist20_\(name)") { recorded in
                let lambdas = drawn.filter { $0.isCut == isCut }.map(\.lambda)
                return SampleComparison.histogram(
                    histogram(lambdas, bins: recorded.count, from: 0, to: 1),
                    like: recorded.doubles)
            }
        }
        item.finish()
    }

    @Test("how λ is drawn", arguments: ParityTable.cases("beyondcls", "aug_mixup_stats"))
    func statistics(item: ParityCase) throws {
        let config = try item.config
        let count = try config.int("draws")
        let size = PixelSize(try config.int("image"))
        var mixing = Mixing(
            mixupAlpha: try config.double("mixup_alpha"),
            cutmixAlpha: try config.double("cutmix_alpha"))
        mixing.switchProbability = try config.double("switch_prob")
        let drawn = draws(count) { random in
            // The same stream twice: λ as it is drawn, and what becomes of it.
            var again = random
            _ = again.happens(mixing.probability)
            return (mixing.draw(size, &random), mixing.drawLambda(&again))
        }
        let cut = drawn.filter { $0.1.isCut }
        let samples: [(String, String, [Double])] = [
            ("mixup_lam_hist10", "mixup_lam_mean", drawn.filter { !$0.1.isCut }.map(\.1.lambda)),
            ("cutmix_lam_hist10", "cutmix_lam_mean", cut.map(\.1.lambda)),
            (
                "cutmix_corrected_lam_hist10", "cutmix_corrected_mean",
                cut.map { $0.0.lambda(in: size) }
            ),
        ]
        for (bins, mean, values) in samples {
            let recorded = try item.tensor("out/\(bins)").doubles
            item.compare("out/\(bins)") { _ in
                SampleComparison.histogram(
                    histogram(values, bins: recorded.count, from: 0, to: 1), like: recorded)
            }
            item.compare("out/\(mean)") {
                SampleComparison.mean(
                    values, near: $0.item, recordedCount: Int(recorded.reduce(0, +)))
            }
        }
        item.compare("out/cutmix_fraction") {
            SampleComparison.part(
                Double(cut.count) / Double(count), of: count, near: $0.item, recordedCount: count)
        }
        item.finish()
    }

    private func compare(
        _ item: ParityCase, _ imagesName: String, _ targetsName: String, _ images: Tensor,
        _ labels: Tensor, _ plan: MixPlan, classes: Int, smoothing: Double
    ) {
        item.compare(imagesName, plan.images(images), tolerance: .absolute(1e-6))
        item.compare(
            targetsName,
            plan.targets(
                labels, classCount: classes, smoothing: smoothing, imageSize: size(images)),
            tolerance: .absolute(1e-6))
    }

    /// A value that is alone, or all of a list.
    private func list(_ config: ParityConfig, _ key: String) throws -> [ParityConfig] {
        let value = try config.field(key)
        return (try? value.array) ?? [value]
    }

    /// A rectangle recorded as [top, bottom, left, right, …].
    private func rectangle(_ sides: [ParityConfig]) throws -> CropBox {
        let (top, left) = (try sides[0].int, try sides[2].int)
        return CropBox(
            top: top, left: left, height: try sides[1].int - top, width: try sides[3].int - left)
    }

    private func size(_ images: Tensor) -> PixelSize {
        PixelSize(height: images.shape[2], width: images.shape[3])
    }
}
