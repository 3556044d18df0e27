public import Checkpoints
import NN
import TensorFiles
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
            scaler: state.scalers.first?.scaler, epochs: epochs, file: source.path)
    }

    /// Four groups: matrices of encoder and predictor, then vectors and biases of both.
    ///
    /// The fixed positions are numbered, though nothing trains them.
    private static func numbered(
        _ method: Module, positionsFirst: Bool
    ) -> [(name: String, shape: [Int])] {
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
        return parts.flatMap { $0.filter { !isExempt($0) } }
            + parts.flatMap { $0.filter(isExempt) }
    }
}

extension IJEPA: ContinuingMethod {
    public func foreignRun(in source: CheckpointSource) throws -> ForeignRun {
        try ForeignRun(jointEmbedding: source, of: self, positionsFirst: false)
    }
}

extension StoP: ContinuingMethod {
    public func foreignRun(in source: CheckpointSource) throws -> ForeignRun {
        try ForeignRun(jointEmbedding: source, of: self, positionsFirst: true)
    }
}
