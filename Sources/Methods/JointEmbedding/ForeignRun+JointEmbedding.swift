public import Checkpoints
import Foundation
import NN
public import TensorFiles
import Torch
public import Training
import VisionModels

extension ForeignRun {
    /// A checkpoint of I-JEPA's or StoP's own code: dictionaries `encoder`, `predictor`,
    /// `target_encoder`, whose names begin with `module.` in distributed runs, and the optimiser
    /// `opt`.
    ///
    /// - Parameters:
    ///   - source: the checkpoint.
    ///   - method: with the same three parts.
    ///   - positionsFirst: whether the predictor's positions are numbered before its mask token.
    /// - Throws: `CheckpointError` where a part is missing, `TensorFileError` for a contradictory
    ///   optimiser.
    init(jointEmbedding source: CheckpointSource, of method: Module, positionsFirst: Bool) throws {
        var weights: [String: TensorRecord] = [:]
        for part in ["encoder", "predictor", "target_encoder"] {
            guard let found = source.parts.first(where: { $0.name == part }) else {
                throw CheckpointError(
                    .incomplete,
                    "\(source.path) has no \(part): it is no checkpoint of I-JEPA's or StoP's code")
            }
            for (name, tensor) in found.tensors {
                let bare = name.hasPrefix("module.") ? String(name.dropFirst(7)) : name
                weights["\(part).\(bare)"] = tensor
            }
        }
        let state = try ReferenceState(source)
        guard let optimizer = state.optimizers.first(where: { $0.key == "opt" })?.optimizer,
            let epochs = state.epoch, epochs >= 0
        else {
            throw CheckpointError(
                .incomplete,
                "\(source.path) holds no optimizer opt, or no epoch: weights alone cannot be "
                    + "continued")
        }
        self.init(
            weights: weights, optimizer: optimizer,
            parameters: Self.numbered(method, positionsFirst: positionsFirst),
            scaler: state.scalers.first?.scaler, epochs: epochs, arguments: state.values,
            file: source.path)
    }

    /// All four groups, one after the other.
    private static func numbered(
        _ method: Module, positionsFirst: Bool
    ) -> [(name: String, shape: [Int])] {
        groups(method, positionsFirst: positionsFirst).flatMap { $0 }
    }

    /// Four groups: matrices of encoder and predictor, then vectors and biases of both.
    ///
    /// The fixed positions are numbered, though nothing trains them.
    fileprivate static func groups(
        _ method: Module, positionsFirst: Bool
    ) -> [[(name: String, shape: [Int])]] {
        let all = method.stateDict.map { (name: $0.name, shape: $0.tensor.shape) }
        func part(_ start: String) -> [(name: String, shape: [Int])] {
            var members = all.filter { $0.name.hasPrefix(start) }
            let token = start + "mask_token"
            if positionsFirst, let index = members.firstIndex(where: { $0.name == token }),
                let positions = members.firstIndex(where: { $0.name.hasSuffix("_pos_embed") }),
                index < positions
            {
                members.swapAt(index, positions)
            }
            return members
        }
        let parts = [part("encoder."), part("predictor.")]
        func isExempt(_ parameter: (name: String, shape: [Int])) -> Bool {
            parameter.name.contains("bias") || parameter.shape.count == 1
        }
        return parts.map { $0.filter { !isExempt($0) } } + parts.map { $0.filter(isExempt) }
    }
}

extension SavedRun {
    /// The file that I-JEPA's or StoP's own code would have saved.
    ///
    /// - Parameters:
    ///   - method: with encoder, predictor and target encoder.
    ///   - isStoP: whether the predictor's positions are numbered before its mask token, the target encoder
    ///     comes after the optimiser, and names have no `module.` before them.
    /// - Returns: what `torch.load` gives.
    /// - Throws: `TensorFileError` where the checkpoint lacks a tensor.
    fileprivate func jointEmbeddingFile(
        of method: Module, isStoP: Bool
    ) throws -> PyTorchWriter.Value {
        let prefix = isStoP ? "" : "module."
        func weights(_ part: String) throws -> PyTorchWriter.Value {
            let names = method.stateDict.map(\.name).filter { $0.hasPrefix(part + ".") }
            return .dictionary(
                try names.map { name in
                    let record = try state.tensor("model." + name)
                    return (prefix + name.dropFirst(part.count + 1), .tensor(.init(record)))
                })
        }
        var entries: [(String, PyTorchWriter.Value)] = [
            ("encoder", try weights("encoder")), ("predictor", try weights("predictor")),
            (
                "opt",
                // Matrices of both parts decay, vectors and biases of both do not.
                try optimizerState(
                    ForeignRun.groups(method, positionsFirst: isStoP).enumerated().map {
                        ($1, $0 < 2)
                    }, exemptKey: "WD_exclude")
            ),
            // Their code has a scaler in bf16 too, and where it cannot load one begins at epoch 0.
            ("scaler", try scalerState()),
        ]
        // The files of the two are told apart by this place.
        entries.insert(
            ("target_encoder", try weights("target_encoder")), at: isStoP ? entries.count : 2)
        entries += [
            ("epoch", .integer(epochs)), ("loss", .real(loss)), ("batch_size", .integer(batchSize)),
            ("world_size", .integer(1)), ("lr", .real(peakLearningRate)),
        ]
        return .dictionary(entries)
    }
}

extension JointEmbeddingSettings {
    /// The settings of a run beside what a checkpoint of I-JEPA's or StoP's own code says of its run.
    static func publishedDifferences(
        _ run: RunConfiguration<Self>, from arguments: [String: PlainValue]
    ) -> [String] {
        var found: [String] = []
        if let each = arguments["batch_size"]?.number,
            let devices = arguments["world_size"]?.number,
            each * devices != Double(run.data.batchSize)
        {
            found.append(
                String(format: "batch_size × world_size was %.0f", each * devices)
                    + ", and data.batchSize makes it \(run.data.batchSize)")
        }
        if let rate = arguments["lr"]?.number,
            abs(rate - run.peakLearningRate) > 1e-6 * run.peakLearningRate
        {
            found.append("lr was \(rate), and optim.lr makes it \(run.peakLearningRate)")
        }
        return found
    }

    /// Refuses a run whose file the authors' code would read as another network, or not at all, after which
    /// I-JEPA's begins at epoch 0 in silence.
    ///
    /// - Parameters:
    ///   - run: to be written.
    ///   - encoder: of the run.
    ///   - own: settings of the method alone, and whether they are as in its authors' code.
    /// - Throws: `CheckpointError`.
    fileprivate func requirePublishedForm(
        of run: SavedRun, _ encoder: VisionTransformer.Config,
        _ own: [(setting: String, isTheirs: Bool)] = []
    ) throws {
        let heads = predictorHeads ?? encoder.heads
        let all =
            own + [
                ("method.predictorHeads=\(heads)", heads == encoder.heads),
                ("model.masksPatches=true", !encoder.masksPatches),
                (
                    "optim.algorithm=\(run.optimizer.algorithm.rawValue)",
                    run.optimizer.algorithm == .adamw
                ),
            ]
        guard let other = all.first(where: { !$0.isTheirs }) else { return }
        throw CheckpointError(
            .incomplete,
            "the run has \(other.setting), which the authors' code has not: it would not go on as this run "
                + "does; `--to safetensors` writes the encoder alone")
    }
}

extension IJEPA.Config {
    public static func differences(
        _ run: RunConfiguration<Self>, from arguments: [String: PlainValue]
    ) -> [String] {
        publishedDifferences(run, from: arguments)
    }
}

extension StoP.Config {
    public static func differences(
        _ run: RunConfiguration<Self>, from arguments: [String: PlainValue]
    ) -> [String] {
        publishedDifferences(run, from: arguments)
    }
}

extension IJEPA: ContinuingMethod {
    public func foreignRun(in source: CheckpointSource) throws -> ForeignRun {
        try ForeignRun(jointEmbedding: source, of: self, positionsFirst: false)
    }

    public func foreignFile(of run: SavedRun) throws -> PyTorchWriter.Value {
        try config.requirePublishedForm(of: run, encoder.config)
        return try run.jointEmbeddingFile(of: self, isStoP: false)
    }
}

extension StoP: ContinuingMethod {
    public func foreignRun(in source: CheckpointSource) throws -> ForeignRun {
        try ForeignRun(jointEmbedding: source, of: self, positionsFirst: true)
    }

    public func foreignFile(of run: SavedRun) throws -> PyTorchWriter.Value {
        let isNoisy = config.positions == .stochastic
        try config.requirePublishedForm(
            of: run, encoder.config,
            [
                (
                    "method.covariance=\(config.covariance.rawValue)",
                    !isNoisy || config.covariance == .tied
                ),
                (
                    "method.noisyTokens=\(config.noisyTokens.rawValue)",
                    !isNoisy || config.noisyTokens == .targets
                ),
                ("method.addsMaskToken=true", !config.addsMaskToken),
            ])
        return try run.jointEmbeddingFile(of: self, isStoP: true)
    }
}
