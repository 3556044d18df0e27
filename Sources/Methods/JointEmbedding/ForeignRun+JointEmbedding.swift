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
    ///   - prefix: of all names: `module.` in I-JEPA's files.
    ///   - positionsFirst: whether the predictor's positions are numbered before its mask token.
    /// - Returns: what `torch.load` gives.
    /// - Throws: `TensorFileError` where the checkpoint lacks a tensor.
    fileprivate func jointEmbeddingFile(
        of method: Module, prefix: String, positionsFirst: Bool
    ) throws -> PyTorchWriter.Value {
        func weights(_ part: String) throws -> PyTorchWriter.Value {
            let names = method.stateDict.map(\.name).filter { $0.hasPrefix(part + ".") }
            return .dictionary(
                try names.map { name in
                    let record = try state.tensor("model." + name)
                    return (prefix + name.dropFirst(part.count + 1), .tensor(.init(record)))
                })
        }
        return .dictionary([
            ("encoder", try weights("encoder")), ("predictor", try weights("predictor")),
            (
                "opt",
                // Matrices of both parts decay, vectors and biases of both do not.
                try optimizerState(
                    ForeignRun.groups(method, positionsFirst: positionsFirst).enumerated().map {
                        ($1, $0 < 2)
                    }, exemptKey: "WD_exclude")
            ),
            // Their code has a scaler in bf16 too, and where it cannot load one begins at epoch 0.
            ("scaler", try scalerState()), ("target_encoder", try weights("target_encoder")),
            ("epoch", .integer(epochs)), ("loss", .real(loss)), ("batch_size", .integer(batchSize)),
            ("world_size", .integer(1)), ("lr", .real(peakLearningRate)),
        ])
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
        try run.jointEmbeddingFile(of: self, prefix: "module.", positionsFirst: false)
    }
}

extension StoP: ContinuingMethod {
    public func foreignRun(in source: CheckpointSource) throws -> ForeignRun {
        try ForeignRun(jointEmbedding: source, of: self, positionsFirst: true)
    }

    public func foreignFile(of run: SavedRun) throws -> PyTorchWriter.Value {
        guard noiseEmbed == nil else {
            throw CheckpointError(
                .incomplete,
                "the run has method.covariance=free: a checkpoint of StoP's code has no matrix of its "
                    + "own for the noise")
        }
        return try run.jointEmbeddingFile(of: self, prefix: "", positionsFirst: true)
    }
}
