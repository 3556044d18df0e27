import Configuration
import Data
import NN
import Torch
import Training
import VisionModels

/// The settings that I-JEPA and StoP have in common.
protocol JointEmbeddingSettings: MethodConfiguration where Model == VisionTransformer.Config {
    var masks: MultiBlockMask { get }
    var predictorWidth: Int { get }
    var predictorDepth: Int { get }
    var predictorHeads: Int? { get }
    var momentum: [Double] { get }
    var rescalesInit: Bool { get }
}

extension JointEmbeddingSettings {
    static var commonDocumentation: [String: String] {
        [
            "masks": "context and target blocks",
            "predictorWidth": "the length of a token in the predictor",
            "predictorDepth": "blocks of the predictor",
            "predictorHeads": "attention heads of a predictor's block; null for the encoder's",
            "momentum": "how much of the target encoder a step keeps, at first and at last",
            "rescalesInit":
                "divides the initial weights that write to the residual stream by √(2 · block), "
                + "which the authors' code does and then undoes",
        ]
    }

    /// A predictor for an encoder, with initial weights.
    ///
    /// - Throws: `ConfigurationError` where encoder, masks and predictor do not fit.
    func predictor(
        for encoder: VisionTransformer, method: String, learnsPositions: Bool = false,
        generator: Generator
    ) throws -> Predictor {
        try encoder.config.validateForJointEmbedding(method: method)
        do { try masks.validate(on: encoder.maskGrid) } catch let error as ConfigurationError {
            throw error.inside("method.masks")
        }
        let heads = predictorHeads ?? encoder.config.heads
        guard predictorWidth % heads == 0 else {
            throw ConfigurationError.invalid(
                "method.predictorHeads", found: "null, the encoder's \(heads)",
                expected: "a divisor of method.predictorWidth, \(predictorWidth)")
        }
        let predictor = Predictor(
            width: predictorWidth, depth: predictorDepth, heads: heads,
            learnsPositions: learnsPositions, encoder: encoder.config, generator: generator)
        if rescalesInit { predictor.predictorBlocks.scaleOutputsByDepth() }
        return predictor
    }

    func validateCommon() throws {
        guard predictorWidth > 0, predictorWidth % 4 == 0 else {
            throw ConfigurationError.invalid(
                "predictorWidth", found: predictorWidth,
                expected: "a positive number that 4 divides")
        }
        guard predictorDepth > 0 else {
            throw ConfigurationError.invalid(
                "predictorDepth", found: predictorDepth, expected: "a positive number")
        }
        if let predictorHeads, predictorHeads < 1 || predictorWidth % predictorHeads != 0 {
            throw ConfigurationError.invalid(
                "predictorHeads", found: predictorHeads,
                expected: "a divisor of predictorWidth, \(predictorWidth)")
        }
        guard momentum.count == 2, momentum.allSatisfy({ (0...1).contains($0) }) else {
            throw ConfigurationError.invalid(
                "momentum", found: "\(momentum)", expected: "two numbers from 0 to 1")
        }
    }
}

extension RunConfiguration where Method.Model == VisionTransformer.Config {
    /// What the published I-JEPA and StoP runs have in common.
    mutating func setJointEmbeddingDefaults() {
        model.classToken = false
        optim.lr = 1e-3
        optim.betas = [0.9, 0.999]
        optim.weightDecay = 0.04
        schedule.epochs = 300
        schedule.startLr = 2e-4
        schedule.minLr = 1e-6
        schedule.endWeightDecay = 0.4
        schedule.firstStep = 1
        data.batchSize = 2048
        // An encoder that collapses has a small loss: only its features show it.
        run.probeEvery = 10
    }
}

extension PublishedColumn {
    /// What the authors' code writes to `jepa_r0.csv`; StoP's has no time.
    static func jointEmbedding(timed: Bool) -> [PublishedColumn] {
        [
            .integer("epoch", \.epoch), .integer("itr", \.iteration),
            .number("loss", "%.5f") { $0.record["loss"] },
            .number("mask-A", "%.5f") { $0.record["context_patches"] },
            .number("mask-B", "%.5f") { $0.record["target_patches"] },
        ] + (timed ? [.integer("time (ms)") { $0.milliseconds.map { Int($0) } }] : [])
    }
}

extension [Block] {
    /// Divides what block l, counted from 1, starts to write to the residual stream by √(2l).
    func scaleOutputsByDepth() {
        for (index, block) in enumerated() {
            block.scaleOutputs(by: 1 / Double(2 * (index + 1)).squareRoot())
        }
    }
}

extension [Double] {
    /// Between the first and the last of two values, by how much of the schedules is done.
    func linear(at step: Step) -> Double { self[0] + step.progress * (self[1] - self[0]) }
}

extension VisionTransformer.Config {
    /// Throws `ConfigurationError` for an encoder whose tokens a method cannot predict one by one.
    func validateForJointEmbedding(method: String) throws {
        guard extraTokens == 0 else {
            throw ConfigurationError.invalid(
                classToken ? "model.classToken" : "model.registers",
                found: classToken ? "true" : "\(registers)",
                expected: "an encoder of patches alone for \(method)",
                advice: "set model.classToken=false and model.registers=0")
        }
        guard finalNorm == .tokens else {
            throw ConfigurationError.invalid(
                "model.finalNorm", found: finalNorm.rawValue, expected: "tokens for \(method)",
                advice: "what is predicted are tokens after the final norm")
        }
        guard positions != .none, !attentionSeesPositions else {
            throw ConfigurationError.invalid(
                "model.positions", found: "positions that attention sees",
                expected: "positions in the tokens alone for \(method)",
                advice: "its encoder sees some of the patches only")
        }
    }
}
