public import TensorFiles

extension CheckpointLoader {
    /// The projection head beside an encoder, as DINO and iBOT train one.
    ///
    /// - Parameter path: as for `load(_:)`, whose encoder the head belongs to.
    /// - Returns: its tensors by their names in the head: `mlp.0.weight`, `last_layer.weight_v`.
    /// - Throws: as `load(_:)` does; `CheckpointError` of the kind `noClassifier` where there is none.
    public func projectionHead(_ path: String) throws -> [String: TensorRecord] {
        let set = try EncoderContents(path, options).found.set
        let parts = try CheckpointSource(path: path).parts.filter { $0.name == set.part }
        let backbone = "backbone."
        let prefix =
            (set.prefix.hasSuffix(backbone)
                ? String(set.prefix.dropLast(backbone.count)) : set.prefix) + "head."
        var found: [String: TensorRecord] = [:]
        for (name, tensor) in parts.flatMap(\.tensors) where name.hasPrefix(prefix) {
            found[String(name.dropFirst(prefix.count))] = tensor
        }
        guard found.keys.contains(where: { $0.hasPrefix("mlp.") }) else {
            throw CheckpointError(
                .noClassifier,
                "\(path) has no projection head beside the encoder at \(set.place): there is no "
                    + "\(prefix)mlp.0.weight; give a whole checkpoint of DINO or iBOT, or start from "
                    + "the encoder alone")
        }
        return found
    }
}
