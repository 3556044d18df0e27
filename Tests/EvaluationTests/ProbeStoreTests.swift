import Data
import Foundation
import NN
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Evaluation

@Suite("A probe that is stopped goes on to the same scores") struct ProbeStoreTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("tessera-probe-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Features that tell which epochs they were asked for, and fail at one.
    private final class Watched: ProbeFeatures {
        struct Stop: Error {}
        private let features: Features
        private let stop: Int?
        private(set) var epochs: [Int] = []

        init(_ features: Features, stop: Int? = nil) {
            (self.features, self.stop) = (features, stop)
        }

        var count: Int { features.count }
        var width: Int { features.width }
        var classCount: Int { features.classCount }
        var device: Device { features.device }
        func validate() throws { try features.validate() }
        func batches(epoch: Int, of batch: Int, seed: UInt64) throws -> () throws ->
            LinearProbe.Batch?
        {
            if epoch == stop { throw Stop() }
            epochs.append(epoch)
            return features.batches(epoch: epoch, of: batch, seed: seed)
        }
    }

    private enum Kind: CaseIterable {
        case linear
        case linearByMomentum
        case pooled
        case readOut
        case sweep
    }

    /// 6 epochs of a probe.
    private func scores(_ kind: Kind, _ train: Watched, _ store: ProbeStore?) throws -> [Score] {
        let test = clusters(90, spread: 2, seed: 2)
        switch kind {
        case .linear, .linearByMomentum:
            var config = LinearProbe.Config()
            (config.batch, config.epochs, config.warmupEpochs) = (32, 6, 1)
            config.optimizer = kind == .linear ? .lars : .sgd
            let result = try LinearProbe.run(train: train, test: test, config, store: store)
            return Score.pair("linear", result.final.accuracy, [:])
                + Score.pair("linear", result.best, ["loss": .number(result.final.loss)])
        case .pooled:
            var config = PooledProbes.Config()
            (config.batch, config.epochs, config.milestones) = (32, 6, [4])
            return try PooledProbes.scores(
                train: train, test: test, blockWidths: [train.width / 2, train.width / 2], config,
                store: store)
        case .readOut:
            var config = ReadOutProbes.Config()
            (config.batch, config.epochs, config.warmupEpochs) = (32, 6, 1)
            (config.optimizer, config.baseLearningRate) = (.adamw, 0.02)
            (config.readOuts, config.rateFactors) = ([.mean, .abmilp], [1, 3])
            let form = TokenForm(
                width: train.width / 2, extraTokens: 0, hasClassToken: false,
                grid: PatchGrid(rows: 1, columns: 2))
            return try ReadOutProbes.scores(
                train: train, test: test, form: form, config, store: store)
        case .sweep:
            var config = LinearSweep.Config()
            (config.learningRates, config.epochs, config.batch) = ([0.01, 0.3, 1], 6, 32)
            (config.weightDecays, config.optimizers) = ([0, 1e-3], [.sgd, .lars])
            // Stopped before the first test, and after it.
            config.testEvery = 4
            return try LinearSweep.scores(train: train, test: test, config, store: store)
        }
    }

    private var train: Features { clusters(180, spread: 2, seed: 1) }
    private var path: String { folder.appendingPathComponent("probe.safetensors").path }
    private func store(_ identity: String = "this one", share: Double = .infinity) -> ProbeStore {
        ProbeStore(path: path, identity: identity, share: share)
    }

    @Test("every protocol, after any epoch", arguments: Kind.allCases)
    private func goesOn(kind: Kind) throws {
        let expected = try scores(kind, Watched(train), nil)
        for stop in [1, 4] {
            #expect(throws: Watched.Stop.self) {
                try scores(kind, Watched(train, stop: stop), store())
            }
            let rest = Watched(train)
            let found = try scores(kind, rest, store())
            #expect(rest.epochs == Array(stop..<6))
            #expect(found.map(\.value) == expected.map(\.value))
            #expect(found.map(\.settings) == expected.map(\.settings))
            // What is done is not gone on with.
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test(
        "a probe of something else is not gone on with, one that was kept just now not kept again")
    func others() throws {
        #expect(throws: Watched.Stop.self) {
            try scores(.linear, Watched(train, stop: 3), store(share: 0))
        }
        let rest = Watched(train, stop: 4)
        #expect(throws: Watched.Stop.self) { try scores(.linear, rest, store()) }
        #expect(rest.epochs == [1, 2, 3])
        let other = Watched(train)
        _ = try scores(.linear, other, store("another one"))
        #expect(other.epochs == Array(0..<6))
    }

    @Test("a file that does not hold what it names is an error that says so")
    func damaged() throws {
        #expect(throws: Watched.Stop.self) { try scores(.sweep, Watched(train, stop: 3), store()) }
        let whole = try SafeTensorsFile(path: path)
        func rewrite(_ epochs: String, leavingOut name: String = "") throws {
            let tensors = try whole.names.filter { $0 != name }
                .map { ($0, try Tensor(whole.tensor($0))) }
            try SafeTensorsWriter.write(
                tensors, to: path,
                metadata: whole.metadata.merging(["epochs": epochs]) { $1 })
        }
        func expectRefusal(_ text: String) {
            #expect {
                try scores(.sweep, Watched(train), store())
            } throws: { "\($0)".contains(text) && "\($0)".contains("delete it to start anew") }
        }
        for (epochs, name, text) in [
            ("3", "record.best", "record.best is missing"),
            ("3", "stack.0.weights", "stack.0.weights is missing"), ("many", "", "how many epochs"),
        ] {
            try rewrite(epochs, leavingOut: name)
            expectRefusal(text)
        }
        try Data(Data(contentsOf: URL(fileURLWithPath: path)).dropLast()).write(
            to: URL(fileURLWithPath: path))
        expectRefusal(path)
    }
}
