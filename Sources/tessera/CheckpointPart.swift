import TensorFiles

/// The dictionary of tensors that the user asks for.
struct CheckpointPart {
    /// Where it is in the file, dotted; empty for the top.
    let key: String
    let tensors: [(name: String, tensor: TensorRecord)]

    /// Finds a dictionary by its whole key, by the last part of it, or by any place in the file.
    ///
    /// - Parameters:
    ///   - key: nil for the only weights of the file.
    ///   - checkpoint: the file.
    ///   - parts: what `stateDictionaries()` found in it.
    ///   - path: the file's, for messages.
    /// - Throws: `UsageError` where there is none, or more than one.
    init(
        _ key: String?, in checkpoint: CheckpointFile, parts: [StateDictionary], path: String
    ) throws {
        guard let key else {
            let weights = parts.filter { $0.kind == .weights }
            guard weights.count == 1, let only = weights.first else {
                let names = weights.map { $0.keys.isEmpty ? "(top of the file)" : $0.name }
                throw UsageError(
                    weights.isEmpty
                        ? "\(path) holds no weights"
                        : "\(path) holds several dictionaries, \(names.joined(separator: ", ")): "
                            + "choose one with --key")
            }
            self.init(only)
            return
        }
        let named = parts.filter { $0.name == key }
        let found = named.isEmpty ? parts.filter { $0.keys.last == key } : named
        if found.count > 1 {
            throw UsageError(
                "\(path): \(key) is in several places, "
                    + found.map(\.name).joined(separator: ", ") + ": give the whole key")
        }
        if let only = found.first {
            self.init(only)
            return
        }
        // Any other place, such as `student.module`, or a dictionary that holds dictionaries.
        let start = key + "."
        let below = try checkpoint.scan().tensors.filter { $0.name.hasPrefix(start) }
        guard !key.isEmpty, !below.isEmpty else {
            throw UsageError(
                unknown: key, known: parts.map(\.name).filter { !$0.isEmpty },
                "\(path) has no dictionary '\(key)' (--key)")
        }
        self.init(
            key: key,
            tensors: below.map { (String($0.name.dropFirst(start.count)), $0.tensor) })
    }

    private init(_ part: StateDictionary) {
        self.init(key: part.name, tensors: part.tensors)
    }

    private init(key: String, tensors: [(name: String, tensor: TensorRecord)]) {
        self.key = key
        self.tensors = tensors
    }
}
