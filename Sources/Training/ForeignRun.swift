public import Checkpoints
import NN
import Optimizers
public import TensorFiles
import Torch

/// A run of a method's own code, to be continued here: its weights by our names, and its optimiser.
public struct ForeignRun {
    /// By our names, of every tensor of the method.
    public let weights: [String: TensorRecord]
    public let optimizer: ReferenceOptimizer
    /// Names and shapes, ours, in the order in which the optimiser numbers its parameters; frozen ones
    /// too where it counts them.
    public let parameters: [(name: String, shape: [Int])]
    public let scaler: ReferenceScaler?
    /// Epochs that are done.
    public let epochs: Int
    /// The arguments that the run was started with, by their names; empty where the file has none.
    public let arguments: [String: PlainValue]
    /// The file, for messages.
    public let file: String

    public init(
        weights: [String: TensorRecord], optimizer: ReferenceOptimizer,
        parameters: [(name: String, shape: [Int])], scaler: ReferenceScaler?, epochs: Int,
        arguments: [String: PlainValue] = [:], file: String
    ) {
        self.weights = weights
        self.optimizer = optimizer
        self.parameters = parameters
        self.scaler = scaler
        self.epochs = epochs
        self.arguments = arguments
        self.file = file
    }
}

extension ForeignRun {
    /// Where its optimiser was told otherwise than ours is: a sentence each.
    func differences(from optim: OptimizerSettings) -> [String] {
        guard optim.algorithm == .adamw, let told = optimizer.groups.first?.settings else {
            return []
        }
        var found: [String] = []
        if case .list(let values)? = told["betas"] {
            let betas = values.compactMap(\.number)
            if betas != optim.betas {
                found.append("betas were \(betas), and optim.betas makes them \(optim.betas)")
            }
        }
        if let eps = told["eps"]?.number, eps != optim.eps {
            found.append("eps was \(eps), and optim.eps makes it \(optim.eps)")
        }
        return found
    }
}

/// A method that goes on from checkpoints of its authors' own code.
public protocol ContinuingMethod: PretrainingMethod {
    /// Reads what of a checkpoint is whose.
    ///
    /// - Throws: `CheckpointError` or `TensorFileError` for a file that is not one of a run of the
    ///   method.
    func foreignRun(in source: CheckpointSource) throws -> ForeignRun

    /// What `checkpoint export --to` calls the form of its authors' code; the method's name by default.
    static var foreignName: String { get }

    /// What the method's own code would have saved in the place of one of ours.
    ///
    /// - Throws: `TensorFileError` where the checkpoint has not all of the run's tensors.
    func foreignFile(of run: SavedRun) throws -> PyTorchWriter.Value
}

extension ContinuingMethod {
    public static var foreignName: String { name }
}

/// A checkpoint of a run of ours at the end of an epoch, with what other programs keep beside it.
public struct SavedRun {
    /// The model's tensors as `model.…`, the optimiser's as `optim.…`.
    public let state: SafeTensorsFile
    /// Epochs that are done.
    public let epochs: Int
    /// The mean of the last epoch, as the log has it.
    public let loss: Double
    /// Of the last step.
    public let learningRate: Double
    /// After the rise.
    public let peakLearningRate: Double
    public let weightDecay: Double
    public let batchSize: Int
    public let optimizer: OptimizerSettings

    /// A checkpoint of a run's folder.
    ///
    /// - Parameters:
    ///   - path: of the checkpoint.
    ///   - settings: of the run.
    ///   - metrics: of the run, which say how many steps an epoch has.
    /// - Throws: `RunFolderError` where it was saved inside an epoch, which other programs would repeat.
    public init<Method>(
        _ path: String, _ settings: RunConfiguration<Method>, metrics: [MetricsRecord]
    ) throws {
        state = try SafeTensorsFile(path: path)
        guard let step = state.metadata["step"].flatMap(Int.init),
            let record = metrics.last(where: { $0["loss"] != nil && $0.epoch > 0 })
        else { throw RunFolderError("\(path) is no checkpoint of a run with a log") }
        let stepsPerEpoch = max((Double(record.step) / record.epoch).rounded(), 1)
        let done = Double(step) / stepsPerEpoch
        guard done == done.rounded() else {
            throw RunFolderError(
                "\(path) was saved after step \(step), inside an epoch of \(Int(stepsPerEpoch)); other "
                    + "programs go on from whole epochs: `tessera resume` with "
                    + "schedule.epochs=\(Int(done.rounded(.up))) or more makes the rest of it")
        }
        let schedules = RunSchedules(settings, stepsPerEpoch: Int(stepsPerEpoch))
        epochs = Int(done)
        // The mean of the last epoch; of an epoch without a line, what was known before.
        let losses = metrics.filter { $0.step <= step && $0["loss"] != nil }
        let last = losses.filter { Double($0.step) > Double(step) - stepsPerEpoch }
        let counted = (last.isEmpty ? losses.suffix(1) : last[...]).compactMap { $0["loss"] }
        loss = counted.isEmpty ? 0 : counted.reduce(0, +) / Double(counted.count)
        peakLearningRate = settings.peakLearningRate
        learningRate = schedules.learningRate(at: max(step - 1, 0))
        weightDecay = schedules.weightDecay(at: max(step - 1, 0))
        batchSize = settings.data.batchSize
        optimizer = settings.optim
    }
}

extension Updater {
    /// Takes over weights, moments and the scale of the loss.
    ///
    /// - Returns: the steps that are done.
    /// - Throws: `CheckpointError`, `LoadError` or `OptimizerStateError` where the run is of another
    ///   model.
    func restore(_ run: ForeignRun) throws -> Int {
        // First, as a model of other settings is best told by its weights.
        try method.load(run.weights, from: run.file)
        let states = try run.optimizer.states(of: run.parameters)
        let trained = Set(optimizer.parameters.map(\.name))
        var tensors: [String: Tensor] = [:]
        for (name, state) in states where trained.contains(name) {
            for moment in optimizer.momentNames {
                if moment == "step", let step = state.step {
                    tensors["step.\(name)"] = Tensor.full([], Double(step))
                } else if let tensor = state.moments[moment] {
                    tensors["\(moment).\(name)"] = try Tensor(tensor)
                } else {
                    throw CheckpointError(
                        .incomplete,
                        "\(run.file): the optimizer's state of \(name) lacks \(moment): it is of another "
                            + "optimizer than optim.algorithm names")
                }
            }
        }
        try optimizer.load(tensors)
        if let scaler, let saved = run.scaler {
            guard
                (scaler.growth, scaler.backoff, scaler.interval)
                    == (saved.growthFactor, saved.backoffFactor, saved.growthInterval)
            else {
                throw CheckpointError(
                    .incomplete,
                    "\(run.file): its loss scale grows by \(saved.growthFactor) after "
                        + "\(saved.growthInterval) steps and shrinks by \(saved.backoffFactor), here it is "
                        + "\(scaler.growth), \(scaler.interval) and \(scaler.backoff)")
            }
            try scaler.load([
                "scale": Tensor.full([], saved.scale),
                "growth_tracker": Tensor.full([], Double(saved.growthTracker), dtype: .int32),
            ])
        }
        guard run.epochs == 0 || tensors.keys.contains(where: { !$0.hasPrefix("step.") }) else {
            throw CheckpointError(
                .incomplete,
                "\(run.file): its optimizer remembers nothing of any parameter after \(run.epochs) "
                    + "epochs: begin a run of its weights instead")
        }
        // What is too long a run for a number is too long for any schedule.
        let (steps, overflow) = run.epochs.multipliedReportingOverflow(by: stepsPerEpoch)
        return overflow ? .max : steps
    }
}
