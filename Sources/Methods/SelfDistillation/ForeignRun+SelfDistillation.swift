public import Checkpoints
import NN
public import TensorFiles
import Torch
public import Training

/// Checkpoints of iBOT's own code: `student`, whose names begin with `module.`, `teacher`, the centres
/// `ibot_loss`, `optimizer`, `epoch`, and in fp16 `fp16_scaler`.
extension IBOT: ContinuingMethod {
    public static var foreignName: String { "ibot" }

    private static var parts: [String] { ["student", "teacher", "ibot_loss"] }

    /// How the names of all tensors of its encoders begin.
    private static var encoderNames: [String] {
        [
            "cls_token", "pos_embed", "masked_embed", "absolute_pos_embed", "patch_embed.proj.",
            "patch_embed.norm.", "blocks.", "layers.", "norm.", "fc_norm.",
        ]
    }

    public func foreignRun(in source: CheckpointSource) throws -> ForeignRun {
        var weights: [String: TensorRecord] = [:]
        for part in Self.parts {
            guard let found = source.parts.first(where: { $0.name == part }) else {
                throw CheckpointError(
                    .incomplete,
                    "\(source.path) has no \(part): it is no checkpoint of iBOT's code")
            }
            var tensors: [String: TensorRecord] = [:]
            for (name, tensor) in found.tensors {
                tensors[name.hasPrefix("module.") ? String(name.dropFirst(7)) : name] = tensor
            }
            for (name, tensor) in tensors {
                guard let first = repeated(part, name) else {
                    weights["\(part).\(name)"] = tensor
                    continue
                }
                guard let other = tensors[first], Self.areEqual(other, tensor) else {
                    throw CheckpointError(
                        .incomplete,
                        "\(source.path): the \(part)'s \(name) is not its \(first): set "
                            + "method.sharedHead and method.sharedTeacherHead as in its args")
                }
            }
        }
        let token = "student.backbone.masked_embed"
        if weights[token] == nil, stateDict.contains(where: { $0.name == token }) {
            throw CheckpointError(
                .incomplete,
                "\(source.path) has no token of hidden patches: its run hid none, which takes "
                    + "method.patchWeight=0 and model.masksPatches=false "
                    + "(model.maskedPatches=none of a Swin)")
        }
        let state = try ReferenceState(source)
        guard let optimizer = state.optimizers.first(where: { $0.key == "optimizer" })?.optimizer,
            let epochs = state.epoch, epochs >= 0
        else {
            throw CheckpointError(
                .incomplete,
                "\(source.path) holds no optimizer, or no epoch: weights alone cannot be continued")
        }
        return ForeignRun(
            weights: weights, optimizer: optimizer, parameters: groups.flatMap(\.parameters),
            scaler: state.scalers.first?.scaler, epochs: epochs, arguments: state.arguments,
            file: source.path)
    }

    /// The first name of a tensor that the file has twice; nil for others.
    private func repeated(_ part: String, _ name: String) -> String? {
        let head = part == "student" ? student.head : teacher.head
        for (again, first) in head.repeatedNames where name.hasPrefix("head." + again) {
            return "head." + first + name.dropFirst("head.".count + again.count)
        }
        return nil
    }

    private static func areEqual(_ a: TensorRecord, _ b: TensorRecord) -> Bool {
        guard a.shape == b.shape, a.elementType == b.elementType else { return false }
        return a.withContiguousBytes { a in
            b.withContiguousBytes { b in a.elementsEqual(b) }
        }
    }

    /// Decayed ones, then the others, each in the order of the student; frozen ones are in neither.
    private var groups: [SavedRun.Group] {
        let trained = namedParameters.filter(\.tensor.requiresGrad).map {
            ($0.name, $0.tensor.shape)
        }
        func isExempt(_ parameter: (name: String, shape: [Int])) -> Bool {
            parameter.shape.count <= 1 || parameter.name.hasSuffix(".bias")
        }
        return [
            (trained.filter { !isExempt($0) }, true), (trained.filter { isExempt($0) }, false),
        ]
    }

    public func foreignFile(of run: SavedRun) throws -> PyTorchWriter.Value {
        guard !config.untiedHeads else {
            throw CheckpointError(
                .incomplete,
                "the run has method.untiedHeads: a checkpoint of iBOT's code has one head only")
        }
        if let other = student.backbone.stateDict.map(\.name).first(where: { name in
            !Self.encoderNames.contains(where: name.hasPrefix)
        }) {
            throw CheckpointError(
                .incomplete,
                "the run's encoder has \(other), for which a checkpoint of iBOT's code has no place: "
                    + "`--to safetensors` writes the encoder alone")
        }
        let prefixes = ["student": "module.", "teacher": student.head.mixesTokens ? "module." : ""]
        func tensors(_ part: String) throws -> PyTorchWriter.Value {
            let names = stateDict.map(\.name).filter { $0.hasPrefix(part + ".") }
            var items: [(name: String, value: PyTorchWriter.Value)] = []
            for name in names {
                let bare = String(name.dropFirst(part.count + 1))
                let tensor = PyTorchWriter.Value.tensor(
                    .init(try run.state.tensor("model." + name)))
                let head = part == "student" ? student.head : teacher.head
                let others = head.repeatedNames.filter { bare.hasPrefix("head." + $0.first) }.map {
                    "head." + $0.again + bare.dropFirst("head.".count + $0.first.count)
                }
                for name in [bare] + others {
                    items.append(((prefixes[part] ?? "") + name, tensor))
                }
            }
            return .dictionary(items)
        }
        var file: [(name: String, value: PyTorchWriter.Value)] = [
            ("student", try tensors("student")), ("teacher", try tensors("teacher")),
            ("optimizer", try run.optimizerState(groups)), ("epoch", .integer(run.epochs)),
            ("ibot_loss", try tensors("ibot_loss")),
        ]
        if run.hasScaler { file.append(("fp16_scaler", try run.scalerState())) }
        return .dictionary(file)
    }
}
