import Foundation
public import NN
import TensorFiles
import Torch

/// Watches for losses and gradients that are not finite.
///
/// The optimiser skips such a step: weights and its state stay as they are. The first one of the run
/// is captured to a file, which resuming leaves; after too many in a row the run ends with advice. Where
/// fp16 overflows because of the scale of the loss, which is then halved, a step is skipped and no more.
struct NonFiniteGuard {
    private let limit: Int
    private let capture: URL
    private(set) var skippedCount = 0
    private var inARow = 0
    private var mayCapture: Bool

    /// - Parameters:
    ///   - limit: how many in a row end the run.
    ///   - capture: where the first such batch is written.
    ///   - skippedCount: steps that the run has skipped so far.
    init(limit: Int, capture: URL, skippedCount: Int = 0) {
        self.limit = limit
        self.capture = capture
        self.skippedCount = skippedCount
        mayCapture = skippedCount == 0
    }

    /// Judges a step.
    ///
    /// - Parameters:
    ///   - loss: of the step.
    ///   - gradientNorm: of all gradients.
    ///   - lossScale: what the loss was multiplied by in fp16, after the step.
    ///   - step: its number.
    ///   - views: what to capture, asked for where it is needed: `images` in the file, or `images.0`
    ///     and so on.
    /// - Returns: whether the step was made.
    /// - Throws: `TrainingError.diverged` at the limit.
    mutating func admits(
        loss: Double, gradientNorm: Double, lossScale: Double? = nil, step: Int,
        views: @autoclosure () throws -> [Tensor]
    ) throws -> Bool {
        guard !loss.isFinite || !gradientNorm.isFinite else {
            inARow = 0
            return true
        }
        skippedCount += 1
        if loss.isFinite, let lossScale, lossScale >= 1 { return false }
        if mayCapture, !FileManager.default.fileExists(atPath: capture.path) {
            let views = try views()
            try SafeTensorsWriter.write(
                views.enumerated().map { (views.count == 1 ? "images" : "images.\($0)", $1) },
                to: capture.path,
                metadata: ["step": "\(step)", "loss": "\(loss)", "grad_norm": "\(gradientNorm)"])
        }
        mayCapture = false
        inARow += 1
        guard inARow < limit else {
            throw TrainingError.diverged(
                step: step, loss: loss, inARow: inARow, capture: capture.path)
        }
        return false
    }
}

extension Module {
    /// The name of the first of its tensors that holds a number that is not finite; nil for none.
    public var nonFiniteWeights: String? {
        stateDict.first { !$0.tensor.isFinite().allTrue }?.name
    }
}

/// A run cannot go on.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
    public let description: String

    static func diverged(step: Int, loss: Double, inARow: Int, capture: String) -> TrainingError {
        TrainingError(
            description: "the loss or its gradient was not finite in \(inARow) steps in a row, the "
                + "last of them step \(step) (loss \(loss)); the first such batch is in \(capture). "
                + advice)
    }

    static func broken(weights name: String, step: Int) -> TrainingError {
        TrainingError(
            description: "the run has diverged: at its last step, \(step), \(name) holds numbers "
                + "that are not finite. " + advice)
    }

    static func unmoved(steps: Int) -> TrainingError {
        TrainingError(
            description: "the run has learned nothing: in none of its \(steps) steps were loss and "
                + "gradient finite. " + advice)
    }

    private static let advice =
        "Lower the learning rate (optim.lr, or optim.baseLr where that is null), set optim.clip=1.0, "
        + "lengthen schedule.warmupEpochs or use run.precision=float32, then `tessera resume` from the "
        + "last checkpoint"
}
