import Configuration
public import Data
public import NN
public import Optimizers
public import Torch
public import VisionModels

/// What the loop needs of a pre-training method; everything else is the method's own.
///
/// A method knows no optimiser, device, log, checkpoint or process: it turns a batch into a loss.
public protocol PretrainingMethod: Module {
    associatedtype Config: MethodConfiguration

    /// The name in recipes and on the command line, such as `mae`.
    static var name: String { get }

    /// Builds the parts around an encoder, and starts all weights as the method's paper does.
    ///
    /// `generator` is the source of initial weights and of dropout.
    ///
    /// - Throws: `ConfigurationError` for settings that do not fit the encoder.
    init(_ config: Config, backbone: Config.Model.Encoder, generator: Generator) throws

    /// The encoder that evaluation and export use; a teacher where there is one.
    var backbone: Config.Model.Encoder { get }

    /// The loss of a batch, recorded for differentiation.
    func loss(_ batch: ImageBatch, at step: Step) -> Losses

    /// Called after each optimiser step, also a skipped one, for moving averages and centres.
    func afterStep(_ step: Step)

    /// Whether a parameter is trained in a step; where not, its gradient is dropped, and neither
    /// optimiser nor weight decay changes it.
    func isTrained(_ name: String, at step: Step) -> Bool

    /// What the optimiser changes; by default everything with one learning rate, and with weight decay
    /// but for vectors, biases and `undecayed`.
    var parameterGroups: [ParameterGroup] { get }

    /// Names of parameters that weight decay spares although they are matrices.
    static var undecayed: Set<String> { get }

    /// What the names of the encoder's tensors begin with that the gradients go to; the log follows
    /// theirs.
    static var trainedEncoder: String { get }

    /// The columns of the CSV log of the published code, which `log.csv` has; none by default.
    static var publishedColumns: [PublishedColumn] { get }

    /// Whether `optim.clip` limits the gradient of a parameter, together with the others of which it
    /// does.
    static func isClipped(_ name: String) -> Bool
}

extension PretrainingMethod {
    public func afterStep(_ step: Step) {}
    public func isTrained(_ name: String, at step: Step) -> Bool { true }
    public var parameterGroups: [ParameterGroup] {
        let undecayed = Self.undecayed
        return ParameterGroup.byDecay(namedParameters) { name, tensor in
            undecayed.contains(name) || ParameterGroup.isExemptFromDecay(name, tensor)
        }
    }
    public static var undecayed: Set<String> { [] }
    public static var trainedEncoder: String { "" }
    public static var publishedColumns: [PublishedColumn] { [] }
    public static func isClipped(_ name: String) -> Bool { true }
}

/// What a method makes of a batch.
public struct Losses {
    /// The scalar to differentiate.
    public let total: Tensor

    /// Further scalars to log, by name.
    public let parts: [(name: String, value: Tensor)]

    public init(total: Tensor, parts: [(name: String, value: Tensor)] = []) {
        self.total = total
        self.parts = parts
    }
}

/// Where in a run a batch is.
public struct Step: Sendable {
    /// Optimiser steps done before this one.
    public let index: Int

    /// The epoch, counted from 0.
    public let epoch: Int

    /// Optimiser steps that schedules are made for: those of the run, or more where it stretches them.
    public let total: Double

    /// Which part of the step's pictures a loss is of, counted from 0.
    public var part = 0

    /// How much of the schedules is done, in 0..<1.
    public var progress: Double { Double(index) / max(total, 1) }

    public init(index: Int, epoch: Int, total: Double) {
        self.index = index
        self.epoch = epoch
        self.total = total
    }
}

/// A method whose targets depend on all pictures of a step, in however many parts they are computed.
///
/// Where a step has parts, the loop calls `prepare` for each of them, for several at once where the run
/// says so, then `assemble`, and then `loss` for each, all in the run's precision.
public protocol WholeStepMethod: PretrainingMethod {
    /// Whether they do with the method's settings.
    var comparesParts: Bool { get }

    /// Keeps of a part what the targets of the others depend on.
    func prepare(_ batch: ImageBatch, at step: Step)

    /// Makes the targets of all parts.
    func assemble(at step: Step)
}

/// A method whose targets a slowly following copy of its own encoder makes, so that both may agree on
/// features that say nothing.
public protocol SelfDistillingMethod: PretrainingMethod {}

/// A method that predicts what another encoder makes of parts of a picture, and can show it.
public protocol LatentPredictingMethod: SelfDistillingMethod {
    /// Masks pictures `[B, C, H, W]` by the draws of a batch and predicts their targets.
    func predictLatents(_ batch: ImageBatch) -> LatentPrediction
}

/// Parts of pictures, and how well their representations were predicted, of several contexts from the
/// first.
///
/// B pictures, P targets, N patches.
public struct LatentPrediction {
    public let grid: PatchGrid
    /// The patches that the encoder sees, for each picture.
    public let contexts: [[Int]]
    /// The patches of each target, for each picture.
    public let targets: [[[Int]]]
    /// The cosine of a target's mean prediction with the true representation of every patch,
    /// `[B, P, N]`: a good one is large on the target and on what looks like it.
    public let similarity: Tensor
    /// The sum of the losses of each patch's predictions, and their number, `[N]` each.
    public let lossSums: Tensor
    public let lossCounts: Tensor

    public init(
        grid: PatchGrid, contexts: [[Int]], targets: [[[Int]]], similarity: Tensor,
        lossSums: Tensor, lossCounts: Tensor
    ) {
        self.grid = grid
        self.contexts = contexts
        self.targets = targets
        self.similarity = similarity
        self.lossSums = lossSums
        self.lossCounts = lossCounts
    }
}

/// A method that fills the gaps of a picture, and can show it.
public protocol ReconstructingMethod: PretrainingMethod {
    /// Masks pictures `[B, C, H, W]` by the draws of a batch and predicts the whole picture.
    func reconstruct(_ batch: ImageBatch) -> Reconstruction
}

/// Pictures as a method saw and completed them, all normalised as the model's input.
public struct Reconstruction {
    /// The pictures as they are, `[B, C, H, W]`.
    public let original: Tensor
    /// What the method makes of them, also where they were visible, `[B, C, H, W]`.
    public let predicted: Tensor
    /// Where a patch was removed, as ones: `[B, 1, H, W]`.
    public let mask: Tensor

    public init(original: Tensor, predicted: Tensor, mask: Tensor) {
        self.original = original
        self.predicted = predicted
        self.mask = mask
    }
}
