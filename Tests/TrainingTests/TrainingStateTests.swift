import Foundation
import NN
import Optimizers
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Training

@Suite("The state of a run") struct TrainingStateTests {
    private let folder: TemporaryFolder
    private var url: URL { folder.file("state.safetensors") }

    init() throws {
        folder = try TemporaryFolder()
    }

    /// What changes from step to step.
    private struct Parts {
        let model: VisionTransformer
        let optimizer: AdamW
        let scaler = LossScaler(on: .cpu, interval: 3)
        let generator: Generator

        init(seed: UInt64, width: Int = 16) throws {
            generator = Generator(seed: seed)
            var config = VisionTransformer.Config()
            (config.imageSize, config.patchSize, config.channels) = (8, 4, 1)
            (config.width, config.depth, config.heads, config.dropPath) = (width, 2, 2, 0.3)
            model = try VisionTransformer(config, generator: generator)
            optimizer = AdamW(ParameterGroup.byDecay(model.namedParameters))
        }

        func step() {
            let images = Tensor.normal([4, 1, 8, 8], generator: generator)
            scaler.scaled(model(images).squared().mean()).backward()
            let found = scaler.unscaleInPlace(optimizer.gradients)
            optimizer.step(learningRate: 1e-2, weightDecay: 0.1, unless: found)
            optimizer.clearGradients()
            scaler.update(found)
        }

        func state(step: Int) -> TrainingState {
            TrainingState(
                step: step, model: model, optimizer: optimizer, scaler: scaler,
                generator: generator)
        }

        var bits: [String: [UInt8]] {
            bytes(model.stateDict.map { ("model." + $0.name, $0.tensor) })
                .merging(bytes(optimizer.stateTensors())) { a, _ in a }
                .merging(bytes(scaler.stateTensors())) { a, _ in a }
                .merging(bytes([("generator", generator.state)])) { a, _ in a }
        }
    }

    private func restore(_ parts: Parts) throws -> Int {
        try TrainingState.restore(
            from: url, model: parts.model, optimizer: parts.optimizer, scaler: parts.scaler,
            generator: parts.generator)
    }

    @Test("model, optimiser, scaler and generator come back to the bit, and go on alike")
    func roundTrip() throws {
        let first = try Parts(seed: 1)
        for _ in 0..<4 { first.step() }
        try first.state(step: 4).write(to: url, metadata: [:])
        let saved = first.bits
        #expect(first.scaler.scale.item == 131072)

        let second = try Parts(seed: 2)
        #expect(second.bits != saved)
        #expect(try restore(second) == 4)
        #expect(second.bits == saved)
        first.step()
        second.step()
        #expect(second.bits == first.bits)
        #expect(first.bits != saved)
    }

    @Test("a run without a scaler has none in its file, and needs none")
    func withoutScaler() throws {
        let parts = try Parts(seed: 1)
        parts.step()
        try TrainingState(
            step: 1, model: parts.model, optimizer: parts.optimizer, scaler: nil,
            generator: parts.generator
        ).write(to: url, metadata: [:])
        #expect(try SafeTensorsFile(path: url.path).names.allSatisfy { !$0.hasPrefix("scaler") })
        #expect { try restore(parts) } throws: {
            "\($0)".contains("loss scaler's scale is missing")
        }
        let step = try TrainingState.restore(
            from: url, model: parts.model, optimizer: parts.optimizer, scaler: nil,
            generator: parts.generator)
        #expect(step == 1)
    }

    @Test("the checkpoint of another model is named, with what does not fit, and changes nothing")
    func wrongModel() throws {
        try Parts(seed: 1).state(step: 4).write(to: url, metadata: [:])
        let other = try Parts(seed: 2, width: 32)
        let before = other.bits
        #expect {
            _ = try restore(other)
        } throws: { error in
            error is LoadError && "\(error)".contains(url.path)
                && "\(error)".contains("cls_token has shape [1, 1, 16], the model needs [1, 1, 32]")
        }
        #expect(other.bits == before)
    }

    @Test("a file without a step or a generator is named")
    func incomplete() throws {
        let parts = try Parts(seed: 1)
        let model = parts.model.stateDict.map { ("model." + $0.name, $0.tensor) }
        try SafeTensorsWriter.write(model, to: url.path, metadata: ["tessera.format": "run-1"])
        #expect { try restore(parts) } throws: { error in
            "\(error)" == "\(url.path) is no checkpoint of a run: its step is missing"
        }
        try SafeTensorsWriter.write(
            model, to: url.path, metadata: ["step": "3", "tessera.format": "run-2"])
        #expect { try restore(parts) } throws: { error in
            "\(error)".hasPrefix("\(url.path) is of the form 'run-2', expected 'run-1': ")
        }
        let scaler = parts.scaler.stateTensors().map { ("scaler." + $0.name, $0.tensor) }
        try SafeTensorsWriter.write(
            model + scaler, to: url.path, metadata: ["step": "3", "tessera.format": "run-1"])
        #expect { try restore(parts) } throws: { error in
            (error as? TensorFileError)?.kind == .missingKey
                && "\(error)".hasPrefix("\(url.path): 'generator': is not in the file")
        }
        let missing = folder.file("none.safetensors")
        let error = #expect(throws: TensorFileError.self) {
            try TrainingState.restore(
                from: missing, model: parts.model, optimizer: parts.optimizer, scaler: nil,
                generator: parts.generator)
        }
        #expect(error?.kind == .unreadable)
    }

    @Test("a run's checkpoint names method and step, and gives its model")
    func model() throws {
        let parts = try Parts(seed: 1)
        parts.step()
        try parts.state(step: 1).write(to: url, metadata: ["method": "tiny"])
        let file = try SafeTensorsFile(path: url.path)
        #expect(file.metadata["method"] == "tiny" && file.metadata["step"] == "1")
        let model = try TrainingState.model(in: file)
        #expect(
            bytes(model.map { ($0.key, $0.value) }) == bytes(parts.model.stateDict))
    }
}
