import Data
import Foundation
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// Sinkhorn's and Knopp's shares of prototypes, where a step goes through the model in parts.
@Suite("Targets of a whole step", .timeLimit(.minutes(2))) struct WholeStepTests {
    private typealias Method = IBOT<VisionTransformer.Config>

    private static func settings(
        _ change: (inout RunConfiguration<Method.Config>) -> Void = { _ in }
    ) -> RunConfiguration<Method.Config> {
        var run = RunConfiguration<Method.Config>()
        run.run.method = Method.name
        (run.run.device, run.run.precision, run.run.threads) = (.cpu, .float32, 1)
        (run.run.logEvery, run.run.saveEvery, run.run.probeEvery) = (1, 100, nil)
        (run.data.batchSize, run.data.workers) = (6, 1)
        (run.data.mean, run.data.std) = ([0.5], [0.25])
        run.model = VisionTransformer.Config.publishedIBOT
        (run.model.imageSize, run.model.patchSize, run.model.channels) = (8, 2, 1)
        (run.model.width, run.model.depth, run.model.heads) = (16, 2, 2)
        run.model.dropPath = 0
        (run.method.localCrops, run.method.localSize, run.method.prototypes) = (2, 4, 24)
        (run.method.head.width, run.method.head.bottleneck) = (12, 6)
        (run.method.masks.ratio, run.method.masks.spread) = ([0.3], [0])
        (run.method.centering, run.method.freezeLastLayer) = (.sinkhorn, 0)
        // Without these a weight whose gradient is rounding alone moves as far as any other.
        (run.optim.lr, run.optim.eps) = (1e-2, 1)
        (run.schedule.epochs, run.schedule.warmupEpochs) = (1, 0)
        change(&run)
        return run
    }

    @Test("loss and gradients of prepared parts are those of one large batch")
    func parts() throws {
        let generator = Generator(seed: 3)
        let batch = ImageBatch(
            views: [8, 8, 4, 4].map { .normal([6, 1, $0, $0], generator: generator) })
        func run(_ count: Int, prepares: Bool) throws -> (loss: Double, gradients: [Tensor]) {
            let generator = Generator(seed: 1)
            let settings = Self.settings()
            let method = try Method(
                settings.method, backbone: settings.model.encoder(generator: generator),
                generator: generator)
            let parts = batch.parts(count).enumerated().map { index, part in
                var place = Step(index: 0, epoch: 0, total: 10)
                place.part = index
                return (part, place)
            }
            if prepares {
                for (part, place) in parts { method.prepare(part, at: place) }
                method.assemble(at: parts[0].1)
            }
            var sum = 0.0
            for (part, place) in parts {
                let loss = method.loss(part, at: place).total / Double(count)
                loss.backward()
                sum += loss.item
            }
            method.afterStep(parts[0].1)
            #expect(method.ibotLoss.lesson(ofPart: 0) == nil)
            return (sum, method.parameters.compactMap(\.gradient))
        }
        let (whole, split, alone) = try (
            run(1, prepares: false), run(3, prepares: true), run(3, prepares: false)
        )
        #expect(abs(split.loss - whole.loss) < 1e-5 && abs(alone.loss - whole.loss) > 1e-3)
        #expect(whole.gradients.count == split.gradients.count && !whole.gradients.isEmpty)
        for (a, b) in zip(whole.gradients, split.gradients) {
            // By the head's normed bottleneck gradients before it are large.
            expect(b, closeTo: a, atol: 1e-5 * max(1, a.abs().max().item))
        }
    }

    @Test("a run makes the steps of whole batches in parts, one after another or at the same time")
    func runs() throws {
        let folder = try LabelledRun.Folder()
        func losses(
            _ name: String, _ change: (inout RunConfiguration<Method.Config>) -> Void
        ) throws -> [Double] {
            // A run sets it for its thread, which other tests use after this one.
            defer { TorchSettings.flushDenormals(false) }
            let run = try RunFolder.create(folder.path(name))
            let trainer = try Trainer<Method>(
                Self.settings(change), source: LabelledPictures(), folder: run,
                progress: ProgressLine(silent: true))
            _ = try trainer.run()
            return try MetricsLog.read(run.metrics).compactMap { $0["loss"] }
        }
        let whole = try losses("whole") { _ in }
        #expect(whole.count == 4 && Set(whole).count == 4)
        for (name, parts) in [
            ("in turn", try losses("in turn") { $0.run.accumulation = 3 }),
            ("at once", try losses("at once") { ($0.run.parallel, $0.run.threads) = (3, 3) }),
        ] {
            #expect(parts.count == 4)
            for (a, b) in zip(whole, parts) { #expect(abs(a - b) < 1e-5, "\(name)") }
        }
        // What the shares are of matters to all of these.
        let running = try losses("running") { $0.method.centering = .running }
        for (a, b) in zip(whole, running) { #expect(abs(a - b) > 1e-3) }
    }
}
