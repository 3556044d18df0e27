import TensorFiles

/// Where in a checkpoint a set of tensors lies: a dictionary of the file and a prefix of the names
/// in it.
struct TensorSet: Sendable {
    /// The dictionary, such as `teacher`; empty for the top of the file.
    let part: String
    /// What stands before every name of the set, such as `module.backbone.`.
    let prefix: String
    /// The tensors without the prefix, in the order of the file.
    let tensors: [(name: String, tensor: TensorRecord)]
    let shapes: [String: [Int]]
    /// Names in the dictionary that do not have the prefix.
    let siblings: [String]

    /// - Parameters:
    ///   - part: the dictionary.
    ///   - prefix: what stands before the names.
    ///   - adopted: starts of names without the prefix that belong to the set too.
    init(_ part: StateDictionary, prefix: String, adopting adopted: [String] = []) {
        self.part = part.name
        self.prefix = prefix
        var own: [(name: String, tensor: TensorRecord)] = []
        var others: [String] = []
        for (name, tensor) in part.tensors {
            if name.hasPrefix(prefix) {
                own.append((String(name.dropFirst(prefix.count)), tensor))
            } else if adopted.contains(where: name.hasPrefix) {
                own.append((name, tensor))
            } else {
                others.append(name)
            }
        }
        tensors = own
        siblings = others
        shapes = Dictionary(own.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    }

    /// The words of part and prefix, which say whose the set is: `["student", "module", "backbone"]`.
    var path: [Substring] { (part + "." + prefix).split(separator: ".") }

    /// The place for people: `teacher: backbone.`.
    var place: String {
        let names = [part, prefix].filter { !$0.isEmpty }
        return names.isEmpty ? "the top of the file" : names.joined(separator: ": ")
    }

    func has(_ name: String) -> Bool { shapes[name] != nil }

    func has(prefix: String) -> Bool { shapes.keys.contains { $0.hasPrefix(prefix) } }

    func hasSibling(prefix: String) -> Bool { siblings.contains { $0.hasPrefix(prefix) } }
}
