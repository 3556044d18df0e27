import Data
import Evaluation
import Foundation
import Imaging
import NN
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

@Suite("Runs of fine-tuning", .timeLimit(.minutes(2))) struct FineTuningRunTests {
    private let folder: LabelledRun.Folder

    init() throws { folder = try LabelledRun.Folder() }

    private func store(_ name: String) -> CheckpointStore {
        CheckpointStore(
            URL(fileURLWithPath: folder.path(name)).appendingPathComponent("checkpoints"), keep: 9)
    }

    private func bytes(_ name: String, step: Int) throws -> [String: [UInt8]] {
        let url = try #require(store(name).all().first { $0.step == step }).url
        let file = try SafeTensorsFile(path: url.path)
        return Dictionary(
            uniqueKeysWithValues: try file.names.map { name in
                (name, try file.tensor(name).withContiguousBytes { [UInt8]($0) })
            })
    }

    /// Part of the pictures that every classifier names right.
    private let probe = Probe { method in
        let method = try #require(method as? any ClassifyingMethod)
        let source = LabelledPictures()
        var data = DataSettings()
        (data.mean, data.std) = ([0.5], [0.25])
        var values: [(name: String, value: Double)] = []
        for (name, model) in method.classifiers {
            let loader = try Loader(
                data.evaluationPlan(for: source, imageSize: 8, channels: 1, batchSize: 8),
                options: LoaderOptions(threads: 1, prefetch: 1), epochs: 1)
            var scores = ClassifierScores()
            while let batch = try loader.next() {
                scores.update(model(batch.tensor()), labels: batch.labels)
            }
            values.append(("\(name)_top1", scores.top1))
        }
        return Probe.Reading(values: values, score: values[0].value)
    }

    private static func averaged(_ run: inout RunConfiguration<ViTFineTuning.Config>) {
        run.method.average = AverageSettings()
        run.method.average?.decay = 0.9
        run.run.saveEvery = 0.75  // inside an epoch
        run.run.probeEvery = 1
    }

    @Test("stopped inside an epoch it goes on to the bit: weights, average, mixing, drop path")
    func resume() throws {
        let settings = LabelledRun.settings(Self.averaged)
        try LabelledRun.train(settings, in: folder.path("run"), probe: probe)
        let expected = try bytes("run", step: 12)
        let names = expected.keys
        #expect(names.contains("model.model_ema.head.weight"))
        #expect(names.contains("optim.exp_avg.head.weight"))
        let metrics = try MetricsLog.read(URL(fileURLWithPath: folder.path("run/metrics.jsonl")))
        let best = try Data(contentsOf: store("run").best)
        for step in [0, 3, 9] {
            for file in store("run").all() where file.step > step {
                try FileManager.default.removeItem(at: file.url)
            }
            try LabelledRun.train(settings, in: folder.path("run"), probe: probe)
            #expect(try bytes("run", step: 12) == expected, "from step \(step)")
            let again = try MetricsLog.read(URL(fileURLWithPath: folder.path("run/metrics.jsonl")))
            #expect(again.map { $0["loss"] } == metrics.map { $0["loss"] })
            #expect(again.map { $0["ema_top1"] } == metrics.map { $0["ema_top1"] })
        }
        #expect(try Data(contentsOf: store("run").best) == best)
    }

    @Test("it learns, is scored every epoch, and keeps the best weights")
    func learns() throws {
        let settings = LabelledRun.settings {
            Self.averaged(&$0)
            ($0.optim.lr, $0.schedule.epochs) = (1e-2, 30)
            ($0.method.layerDecay, $0.model.dropPath, $0.method.headStd) = (1, 0, 0.02)
        }
        let trainer = try LabelledRun.train(settings, in: folder.path("run"), probe: probe)
        let metrics = try MetricsLog.read(URL(fileURLWithPath: folder.path("run/metrics.jsonl")))
        for name in ["test_top1", "ema_top1"] {
            #expect(metrics.count { $0[name] != nil } == 30)
            #expect(try #require(metrics.compactMap { $0[name] }.last) == 100, "\(name)")
        }
        let best = try #require(store("run").bestScore)
        #expect(best == metrics.compactMap { $0["ema_top1"] }.max())
        // Weights alone, of the first time that the score was reached.
        let file = try SafeTensorsFile(path: store("run").best.path)
        #expect(file.names.allSatisfy { $0.hasPrefix("model.") })
        let first = try #require(metrics.first { $0["ema_top1"] == best }).step
        #expect(file.metadata["step"] == "\(first)" && file.metadata["method"] == "finetune")
        #expect(trainer.step == 120)
    }

    @Test("a run starts from its weights once; what it saved goes before them")
    func startsOnce() throws {
        let mae = try folder.save(try LabelledRun.mae(), trained: false)
        let settings = LabelledRun.settings {
            ($0.method.weights, $0.method.part) = (mae, "model")
            $0.schedule.epochs = 0.5
        }
        try LabelledRun.train(settings, in: folder.path("run"))
        let start = try bytes("run", step: 0)
        let weights = try SafeTensorsFile(path: mae)
        for name in ["blocks.1.mlp.fc1.weight", "pos_embed", "cls_token"] {
            let expected = try weights.tensor("model." + name).withContiguousBytes { [UInt8]($0) }
            #expect(start["model." + name] == expected, "\(name)")
        }
        // The weights are not needed any more once the run has saved itself.
        try FileManager.default.removeItem(atPath: mae)
        let end = try bytes("run", step: 2)
        let last = try #require(store("run").all().first)
        try FileManager.default.removeItem(at: last.url)
        try LabelledRun.train(settings, in: folder.path("run"))
        #expect(try bytes("run", step: 2) == end)
        #expect(throws: (any Error).self) {
            try LabelledRun.train(settings, in: folder.path("other"))
        }
    }

    @Test("accumulated parts without mixing make the step of the whole batch")
    func accumulation() throws {
        func losses(_ name: String, parts: Int) throws -> [Double] {
            let settings = LabelledRun.settings {
                ($0.method.mixing, $0.run.accumulation, $0.model.dropPath) = (nil, parts, 0)
                $0.optim.eps = 1
                $0.schedule.epochs = 1
            }
            try LabelledRun.train(settings, in: folder.path(name))
            return try MetricsLog.read(URL(fileURLWithPath: folder.path(name + "/metrics.jsonl")))
                .compactMap { $0["loss"] }
        }
        let (whole, parts) = (try losses("whole", parts: 1), try losses("parts", parts: 3))
        #expect(whole.count == 4)
        for (a, b) in zip(whole, parts) { #expect(abs(a - b) < 1e-5) }
    }

    @Test("the classifier of a run is loaded with how its tests cut pictures out")
    func classifier() throws {
        var settings = LabelledRun.settings(Self.averaged)
        settings.schedule.epochs = 0.5
        let trainer = try LabelledRun.train(settings, in: folder.path("run"))
        let yaml = """
            run: {method: finetune, device: cpu, precision: float32}
            data: {mean: [0.5], std: [0.25], batchSize: 6}
            model: {imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 2, heads: 2}
            method: {classes: 3, average: {decay: 0.9}, cropPercent: 0.8, interpolation: bilinear}
            """
        try Data(yaml.utf8).write(to: URL(fileURLWithPath: folder.path("run/config.yaml")))
        let loaded = try PretrainedClassifier.load(
            ViTFineTuning.self, run: URL(fileURLWithPath: folder.path("run")))
        let images = Tensor.normal([2, 1, 8, 8], generator: Generator(seed: 1))
        trainer.method.evaluate()
        let average = try #require(trainer.method.modelEma)
        #expect(noGrad { loaded.model(images) }.isEqual(to: noGrad { average(images) }))
        #expect(loaded.model.classCount == 3 && loaded.coverage == nil)
        let pictures = try #require(loaded.pictures)
        #expect(pictures == TestPictures(cropPercent: 0.8, interpolation: .bilinear))
        #expect(pictures.resized(224) == 280)
    }
}
