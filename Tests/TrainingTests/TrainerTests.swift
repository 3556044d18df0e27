import Configuration
import Data
import Foundation
import Imaging
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Training

@Suite("The training loop", .timeLimit(.minutes(2))) struct TrainerTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @discardableResult
    private func train(
        _ name: String, probe: Probe? = nil, source: MemorySource = MemorySource(),
        _ change: (inout TinySettings) -> Void = { _ in }
    ) throws -> [MetricsRecord] {
        let outcome = try TinyRun.train(
            TinyRun.settings(change), in: folder.path(name), source: source, probe: probe)
        #expect(outcome == .finished)
        return try TinyRun.metrics(folder.path(name))
    }

    private func checkpoint(
        _ name: String, step: Int, under prefix: String = ""
    ) throws -> [String: [UInt8]] {
        try bytes(of: TinyRun.checkpoint(folder.path(name), step: step), under: prefix)
    }

    @Test("the loss falls over 20 steps")
    func lossFalls() throws {
        let losses = try train("run").compactMap { $0["loss"] }
        #expect(losses.count == 20)
        let (first, last) = (losses.prefix(4).reduce(0, +), losses.suffix(4).reduce(0, +))
        #expect(last < 0.7 * first, "\(losses)")
    }

    @Test("the same settings make the same run, another seed another one")
    func repeatable() throws {
        try train("a")
        try train("b")
        try train("c") { $0.run.seed = 1 }
        #expect(try checkpoint("a", step: 20) == checkpoint("b", step: 20))
        #expect(try checkpoint("a", step: 20) != checkpoint("c", step: 20))
    }

    /// With a large ε Adam's steps are smooth in the gradient, as they have to be for comparison.
    @Test("accumulated parts make the step of the whole batch", arguments: [2, 4, 8])
    func accumulation(parts: Int) throws {
        func smooth(_ settings: inout TinySettings) {
            settings.optim.lr = 1
            settings.optim.eps = 1
            settings.optim.clip = 0.5
            settings.schedule.epochs = 0.75
        }
        let whole = try train("whole", smooth)
        let accumulated = try train("parts") {
            smooth(&$0)
            $0.run.accumulation = parts
        }
        for (a, b) in zip(whole, accumulated) {
            for name in ["loss", "error", "grad_norm", "lr"] {
                let (x, y) = (try #require(a[name]), try #require(b[name]))
                #expect(abs(x - y) <= 1e-5 * abs(x), "\(name)")
            }
        }
        func weights(_ name: String, step: Int) throws -> [String: Tensor] {
            let url = try TinyRun.checkpoint(folder.path(name), step: step)
            return try TrainingState.model(in: SafeTensorsFile(path: url.path))
        }
        let (start, expected) = (try weights("whole", step: 0), try weights("whole", step: 3))
        for (name, found) in try weights("parts", step: 3) {
            expect(found, closeTo: try #require(expected[name]), atol: 2e-6, name)
        }
        let moved = try #require(expected["head.weight"]) - #require(start["head.weight"])
        #expect(moved.abs().max().item > 1e-3)
    }

    @Test("parts that are not equal count by their pictures")
    func unequalParts() throws {
        func smooth(_ settings: inout TinySettings) {
            settings.optim.eps = 1
            settings.schedule.epochs = 1
            settings.data.onBad = .skip
        }
        // Of 8 pictures a step some are missing, so no two parts need be equal.
        let source = MemorySource(bad: [0, 5, 6, 11, 19, 20, 21, 30, 31])
        let whole = try train("whole", source: source, smooth)
        let accumulated = try train("parts", source: source) {
            smooth(&$0)
            $0.run.accumulation = 8
        }
        #expect(whole.count == 4 && whole.last?["skipped_steps"] == 0)
        for (a, b) in zip(whole, accumulated) {
            #expect(b["skipped_steps"] == 0)
            for name in ["loss", "grad_norm"] {
                let (x, y) = (try #require(a[name]), try #require(b[name]))
                #expect(abs(x - y) <= 1e-4 * abs(x), "\(name) \(x) \(y)")
            }
        }
    }

    @Test("parts at the same time make the steps of parts that follow one another, to the bit")
    func parallel() throws {
        func clipped(_ settings: inout TinySettings) {
            settings.optim.clip = 0.1
            settings.schedule.epochs = 2
        }
        try train("one by one") {
            clipped(&$0)
            $0.run.accumulation = 4
        }
        let expected = try checkpoint("one by one", step: 8)
        for (parallel, threads) in [(4, 4), (4, 1), (2, 2)] {
            let name = "\(parallel) on \(threads)"
            try train(name) {
                clipped(&$0)
                $0.run.parallel = parallel
                $0.run.accumulation = 4 / parallel
                $0.run.threads = threads
            }
            #expect(try checkpoint(name, step: 8) == expected, "\(name)")
        }
    }

    @Test("parts draw what they drop by themselves: threads and an interruption change nothing")
    func parallelDraws() throws {
        func dropping(_ settings: inout TinySettings) {
            settings.model.depth = 3
            settings.model.dropPath = 0.5
            settings.run.parallel = 4
            settings.schedule.epochs = 2
            settings.run.saveEvery = 0.75
            settings.run.keep = 9
        }
        func onFour(_ settings: inout TinySettings) {
            dropping(&settings)
            settings.run.threads = 4
        }
        try train("on 4", onFour)
        try train("on 1", dropping)
        try train("whole") {
            dropping(&$0)
            $0.model.dropPath = 0
        }
        let expected = try checkpoint("on 4", step: 8)
        #expect(try checkpoint("on 1", step: 8) == expected)
        #expect(try checkpoint("whole", step: 8, under: "model.") != expected)
        try rewind("on 4", to: 3)
        try train("on 4", onFour)
        #expect(try checkpoint("on 4", step: 8) == expected)
    }

    @Test(
        "activation checkpointing changes nothing, to the bit",
        arguments: [Precision.float32, .bfloat16], [1, 2])
    func activationCheckpointing(precision: Precision, parallel: Int) throws {
        func checkpointing(_ isOn: Bool) throws -> [String: [UInt8]] {
            try train("\(isOn)") {
                $0.run.precision = precision
                $0.model.depth = 3
                $0.model.dropPath = 0.5
                ($0.run.parallel, $0.run.threads) = (parallel, parallel)
                $0.schedule.epochs = 2
                $0.run.activationCheckpointing = isOn
            }
            return try checkpoint("\(isOn)", step: 8)
        }
        #expect(try checkpointing(true) == checkpointing(false))
    }

    @Test("parts that cannot be computed go on to the others: missing pictures, infinite losses")
    func parallelFaults() throws {
        let source = MemorySource(bad: [0, 5, 6, 11, 19, 20, 21, 30, 31])
        func faulty(_ settings: inout TinySettings) {
            settings.data.onBad = .skip
            settings.method.infiniteAt = [2]
            settings.schedule.epochs = 1
        }
        for (name, threads) in [("a", 8), ("b", 1)] {
            let metrics = try train(name, source: source) {
                faulty(&$0)
                $0.run.parallel = 8
                $0.run.threads = threads
            }
            #expect(metrics.map { $0["skipped_steps"] } == [0, 0, 1, 1])
        }
        #expect(try checkpoint("a", step: 4) == checkpoint("b", step: 4))
    }

    /// By plain descent the weights move by what is left of the gradients.
    @Test("gradients are limited once, or after each part", arguments: [false, true])
    func partsLimited(each: Bool) throws {
        func limited(_ settings: inout TinySettings) {
            (settings.optim.algorithm, settings.optim.lr) = (.sgd, 1)
            settings.optim.weightDecay = 0
            (settings.optim.clip, settings.optim.clipsParts) = (1e-3, each)
            settings.schedule.epochs = 0.25
        }
        func moved(_ name: String, _ change: (inout TinySettings) -> Void) throws -> [String:
            Tensor]
        {
            try train(name) {
                limited(&$0)
                change(&$0)
            }
            func weights(_ step: Int) throws -> [String: Tensor] {
                let url = try TinyRun.checkpoint(folder.path(name), step: step)
                return try TrainingState.model(in: SafeTensorsFile(path: url.path))
            }
            let start = try weights(0)
            return try weights(1).reduce(into: [:]) {
                $0[$1.key] = try #require(start[$1.key]) - $1.value
            }
        }
        func norm(_ tensors: some Sequence<Tensor>) -> Double {
            tensors.reduce(0.0) { $0 + $1.squared().sum().item }.squareRoot()
        }
        let whole = try moved("whole") { _ in }
        let parts = try moved("parts") { $0.run.accumulation = 4 }
        let together = try moved("together") { $0.run.parallel = 4 }
        #expect(abs(norm(whole.values) - 1e-3) < 1e-5)
        let difference = try norm(whole.map { $0.value - (try #require(parts[$0.key])) })
        // Earlier parts count as little as the limit leaves of them, the last one as it is.
        #expect(each ? difference > 1e-4 : difference < 1e-6, "\(difference)")
        #expect(try norm(parts.map { $0.value - (try #require(together[$0.key])) }) == 0)
    }

    @Test("views that the method would not look at are refused")
    func idleViews() throws {
        #expect {
            try train("run") {
                var view = ViewSettings()
                view.steps = [Transform(RandomResizedCrop(size: 8))]
                view.count = 2
                $0.data.views = [view]
            }
        } throws: { "\($0)".contains("data.views is 2 views, expected one") }
    }

    @Test("a batch that does not divide into the parts is refused")
    func accumulationThatDoesNotFit() throws {
        #expect {
            try train("both") { ($0.run.accumulation, $0.run.parallel) = (2, 3) }
        } throws: { error in
            "\(error)".contains("a multiple of run.accumulation × run.parallel, 6")
        }
        #expect {
            try train("run") { $0.run.accumulation = 3 }
        } throws: { error in
            "\(error)".contains("data.batchSize is 8")
                && "\(error)".contains("a multiple of run.accumulation, 3")
        }
    }

    @Test("a step with an infinite loss changes neither weights nor averages")
    func nonFiniteStep() throws {
        func settings(_ settings: inout TinySettings) {
            settings.method.infiniteAt = [0, 2]
            settings.schedule.epochs = 1
            settings.run.saveEvery = 0.25
            settings.run.keep = 9
        }
        let metrics = try train("run", settings)
        for prefix in ["model.", "optim.exp_avg"] {
            #expect(
                try checkpoint("run", step: 1, under: "model.")
                    == checkpoint("run", step: 0, under: "model."))
            #expect(
                try checkpoint("run", step: 3, under: prefix)
                    == checkpoint("run", step: 2, under: prefix))
            for (before, after) in [(1, 2), (3, 4)] {
                #expect(
                    try checkpoint("run", step: before, under: prefix)
                        != checkpoint("run", step: after, under: prefix))
            }
        }
        #expect(metrics.map { $0["skipped_steps"] } == [1, 1, 2, 2])
        #expect(metrics.map { $0["loss"]?.isFinite } == [nil, true, nil, true])
        let capture = try SafeTensorsFile(path: folder.path("run/nonfinite.safetensors"))
        #expect(capture.metadata["step"] == "1" && capture.metadata["loss"] == "inf")
        #expect(try capture.tensor("images").shape == [8, 1, 8, 8])
        try rewind("run", to: 3)
        #expect(try train("run", settings).map { $0["skipped_steps"] } == [1, 1, 2, 2])
    }

    @Test("too many infinite losses in a row end the run and leave its checkpoint")
    func diverged() throws {
        let error = #expect(throws: TrainingError.self) {
            try train("run") {
                $0.method.infiniteAt = Array(3..<20)
                $0.run.maxNonFinite = 4
                $0.run.saveEvery = 0.5
            }
        }
        #expect(error?.description.contains("4 steps in a row, the last of them step 7") == true)
        // Saved while the steps went wrong, but with the weights of the last good one.
        let store = CheckpointStore(folder.file("run/checkpoints"), keep: 1)
        #expect(store.newest()?.lastPathComponent == "step-00000006.safetensors")
        #expect(
            try checkpoint("run", step: 6, under: "model.")
                != checkpoint("run", step: 2, under: "model."))
    }

    @Test("weights that are no longer finite are neither saved nor a run's result")
    func brokenWeights() throws {
        let error = #expect(throws: TrainingError.self) {
            try train("run") {
                $0.optim.lr = 1e40
                $0.run.maxNonFinite = 100
                $0.run.saveEvery = 0.25
            }
        }
        let text = try #require(error).description
        #expect(text.hasPrefix("the run has diverged: at its last step, 20, "), "\(text)")
        let store = CheckpointStore(folder.file("run/checkpoints"), keep: 1)
        #expect(store.all().map(\.step) == [0])
    }

    @Test("a run none of whose steps could be made is no success")
    func noStep() throws {
        let error = #expect(throws: TrainingError.self) {
            try train("run") {
                $0.method.infiniteAt = Array(0..<20)
                $0.run.maxNonFinite = 100
            }
        }
        #expect(error?.description.contains("in none of its 20 steps") == true)
    }

    @Test("a resumed run cannot have fewer epochs than are done")
    func fewerEpochs() throws {
        try train("run")
        #expect {
            try train("run") { $0.schedule.epochs = 2 }
        } throws: {
            "\($0)".contains("schedule.epochs is 2.0, expected at least the 5.0 that are done")
        }
        // As many as there are, or more.
        try train("run") { $0.schedule.epochs = 6 }
    }

    @Test("a product that is a little more than a number of steps is that number")
    func roundedSteps() throws {
        #expect(RunSchedules.wholeSteps(0.55 * 100) == 55)
        #expect(RunSchedules.wholeSteps(0.07 * 100) == 7)
        #expect(RunSchedules.wholeSteps(55.001) == 56)
        // 12.32 steps; saved after each 0.7 epochs, 2.8 steps.
        let metrics = try train("run") {
            $0.schedule.epochs = 3.08
            $0.run.saveEvery = 0.7
            $0.run.keep = 99
        }
        #expect(metrics.count == 13)
        let store = CheckpointStore(folder.file("run/checkpoints"), keep: 1)
        #expect(store.all().map(\.step) == [13, 12, 9, 6, 3, 0])
    }

    /// On the CPU, where fp16 is too slow for people, through the BLAS, which has it everywhere.
    @Test("fp16: the state of the loss scaler goes with the checkpoint")
    func lossScaler() throws {
        func half(_ settings: inout TinySettings) {
            settings.run.precision = .float16
            settings.method.infiniteAt = [1]
            settings.run.saveEvery = 0.75
            settings.run.keep = 9
            settings.schedule.epochs = 1.5
        }
        func train() throws {
            _ = try TorchSettings.linear(throughOneDNN: false) { try self.train("run", half) }
        }
        try train()
        func scaler(step: Int) throws -> [Double] {
            let url = try TinyRun.checkpoint(folder.path("run"), step: step)
            let file = try SafeTensorsFile(path: url.path)
            return try ["scaler.scale", "scaler.growth_tracker"]
                .map { try Tensor(file.tensor($0)).item }
        }
        #expect(try scaler(step: 0) == [65536, 0])
        #expect(try scaler(step: 3) == [32768, 1])
        let expected = try checkpoint("run", step: 6)
        try rewind("run", to: 3)
        try train()
        #expect(try checkpoint("run", step: 6) == expected)
    }

    @Test("fp16 has no limit for parts, whose gradients are scaled")
    func partsLimitedInHalf() throws {
        #expect {
            try train("half") {
                ($0.run.precision, $0.run.accumulation) = (.float16, 2)
                $0.optim.clipsParts = true
            }
        } throws: { "\($0)".contains("optim.clipsParts is true, expected false") }
    }

    /// Removes the checkpoints after a step.
    private func rewind(_ name: String, to step: Int) throws {
        for file in CheckpointStore(folder.file(name + "/checkpoints"), keep: 1).all()
        where file.step > step { try FileManager.default.removeItem(at: file.url) }
    }

    @Test("from any checkpoint the run goes on to the bit, past a damaged one too")
    func resume() throws {
        func settings(_ settings: inout TinySettings) {
            settings.model.dropPath = 0.3
            settings.run.saveEvery = 1.25
            settings.run.keep = 9
            settings.run.logEvery = 2
        }
        func epochs() throws -> String {
            try String(contentsOf: folder.file("run/epochs.csv"), encoding: .utf8)
        }
        let metrics = try train("run", settings)
        let expected = try checkpoint("run", step: 20)
        let means = try epochs()
        for step in [0, 5, 15] {
            try rewind("run", to: step)
            let again = try train("run", settings)
            #expect(try checkpoint("run", step: 20) == expected)
            #expect(again.map(\.step) == metrics.map(\.step))
            #expect(again.map { $0["loss"] } == metrics.map { $0["loss"] })
            #expect(try epochs() == means)
        }
        for step in [15, 20] {
            let url = try TinyRun.checkpoint(folder.path("run"), step: step)
            try Data(contentsOf: url).dropLast().write(to: url)
        }
        try train("run", settings)
        #expect(try checkpoint("run", step: 20) == expected)
        // A finished run has nothing left to do.
        #expect(try train("run", settings).count == 10)
    }

    @Test("the learning rate rises from 0 to its peak and falls to the end's")
    func schedule() throws {
        let rates = try train("run") {
            $0.optim.lr = 0.01
            $0.schedule.minLr = 0.001
            $0.schedule.warmupEpochs = 1
        }.compactMap { $0["lr"] }
        #expect(rates.count == 20 && rates[0] == 0)
        #expect(abs(rates[1] - 0.0025) < 1e-12)
        #expect(abs(rates[4] - 0.01) < 1e-12 && rates.max() == rates[4])
        #expect(abs(rates[12] - 0.0055) < 1e-12)  // halfway down
        #expect(zip(rates[4...], rates[5...]).allSatisfy(>))
        // The last step is one before the end.
        let last = 0.001 + 0.009 * 0.5 * (1 + cos(.pi * 15 / 16))
        #expect(abs(rates[19] - last) < 1e-12)
    }

    @Test("without a learning rate of its own the run takes the base's, by the batch")
    func baseLearningRate() throws {
        for accumulation in [1, 2] {
            let rates = try train("run\(accumulation)") {
                $0.optim.lr = nil
                $0.optim.baseLr = 0.032
                $0.run.accumulation = accumulation
            }.compactMap { $0["lr"] }
            #expect(abs(rates[0] - 0.032 * 8 / 256) < 1e-12)
        }
    }

    @Test("a probe sees the encoder at rest, and leaves weights and later steps as they were")
    func probe() throws {
        func settings(_ settings: inout TinySettings) {
            settings.model.dropPath = 0.3
            settings.run.saveEvery = 1
            settings.run.keep = 9
        }
        let plain = try train("plain", settings)
        var seen: [Bool] = []
        let probe = Probe { method in
            seen.append(method.isTraining)
            let features = method.backbone.feature(Tensor.ones([2, 1, 8, 8]))
            #expect(!features.requiresGrad)
            return Probe.Reading(values: [("size", Double(features.shape[1]))])
        }
        let probed = try train("probed", probe: probe) {
            settings(&$0)
            $0.run.probeEvery = 1.5
        }
        #expect(seen == [false, false, false, false])
        let lines = probed.filter { $0["size"] != nil }
        #expect(lines.map(\.step) == [6, 12, 18, 20])
        #expect(lines.allSatisfy { $0["size"] == 16 && $0["loss"] == nil })
        #expect(probed.compactMap { $0["loss"] } == plain.compactMap { $0["loss"] })
        for step in [4, 8, 12, 16, 20] {
            #expect(try checkpoint("probed", step: step) == checkpoint("plain", step: step))
        }
    }

    @Test("a probe that was due when the run was killed is made up for, the last one too")
    func missedProbe() throws {
        struct Killed: Error {}
        func probe(diesAt step: Int?) -> (Probe, () -> Int) {
            var readings = 0
            return (
                Probe { _ in
                    readings += 1
                    if readings == step { throw Killed() }
                    return Probe.Reading(values: [("size", 1)], score: 1)
                }, { readings }
            )
        }
        for death in [1, 4] {
            let name = "run\(death)"
            #expect(throws: Killed.self) {
                try train(name, probe: probe(diesAt: death).0) { $0.run.probeEvery = 1.5 }
            }
            let (again, readings) = probe(diesAt: nil)
            let log = try train(name, probe: again) { $0.run.probeEvery = 1.5 }
            // Of the first run there is the checkpoint of its start alone until its end.
            #expect(log.filter { $0["size"] != nil }.map(\.step) == [6, 12, 18, 20])
            #expect(readings() == (death == 4 ? 1 : 4))
            #expect(try train(name, probe: again) { $0.run.probeEvery = 1.5 } == log)
        }
    }

    @Test("a run whose checkpoints are gone or damaged is not begun again over its log")
    func lostCheckpoints() throws {
        let log = try train("run")
        let store = CheckpointStore(folder.file("run/checkpoints"), keep: 1)
        for (_, url) in store.all() { try Data(contentsOf: url).dropLast().write(to: url) }
        func expect(_ words: String) throws {
            let error = #expect(throws: RunFolderError.self) { try train("run") }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
            #expect(try TinyRun.metrics(folder.path("run")) == log)
        }
        try expect("holds no intact checkpoint, only damaged ones, of a run that was at step 20")
        for (_, url) in store.all() { try FileManager.default.removeItem(at: url) }
        try expect("holds no checkpoint any more")
    }

    @Test("a step without a readable picture ends the run with the reason")
    func unreadableStep() throws {
        let error = #expect(throws: DataError.self) {
            try train("run", source: MemorySource(bad: Set(0..<32))) {
                $0.data.onBad = .skip
            }
        }
        #expect(error?.kind == .tooManyBadFiles)
        #expect(error?.problem == "no picture of step 1 can be read", "\(error?.problem ?? "")")
    }

    @Test("a run of less than a step makes one, with finite rates and weights")
    func shortest() throws {
        let log = try train("run") {
            ($0.schedule.epochs, $0.schedule.endWeightDecay) = (0.2, 0.4)
        }
        #expect(log.map(\.step) == [1])
        #expect(log[0]["weight_decay"] == 0.05 && log[0]["lr"] == 0.01)
        for (name, bytes) in try checkpoint("run", step: 1, under: "model.") {
            let isFinite = bytes.withUnsafeBytes {
                $0.bindMemory(to: Float.self).allSatisfy(\.isFinite)
            }
            #expect(isFinite, "\(name)")
        }
    }

    @Test("the run's length, a fraction of an epoch included, and its checkpoints")
    func length() throws {
        let metrics = try train("run") {
            $0.schedule.epochs = 1.6
            $0.run.saveEvery = 0.5
            $0.run.keep = 2
        }
        #expect(metrics.map(\.step) == Array(1...7))
        let store = CheckpointStore(folder.file("run/checkpoints"), keep: 1)
        #expect(store.all().map(\.step) == [7, 6, 4])
        let file = try #require(store.newest())
        #expect(try SafeTensorsFile(path: file.path).metadata["method"] == "tiny")
    }

    @Test("pictures that cannot be read are listed, and do not end the run")
    func badPictures() throws {
        try train("run", source: MemorySource(bad: [3, 17]))
        let text = try String(contentsOf: folder.file("run/bad_files.jsonl"), encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(Set(lines.map { $0.contains("picture 3\"") }) == [true, false])
        #expect(throws: (any Error).self) {
            try train("strict", source: MemorySource(bad: [3])) { $0.data.onBad = .stop }
        }
    }
}
