import TensorFiles
import Torch

/// The table between the names of a family and Tessera's.
///
/// Names that no line concerns stay as they are: most families differ from Tessera's in few.
struct NameMap: Sendable {
    let rules: [NameRule]

    init(_ rules: [NameRule] = []) {
        self.rules = rules
    }

    /// The tensors of a file under Tessera's names, in the order of the file.
    ///
    /// A line applies where the file has all of its parts; the first that does takes them.
    func apply(_ tensors: [(name: String, tensor: TensorRecord)]) -> [MappedTensor] {
        var places: [String: Int] = [:]
        for (place, item) in tensors.enumerated() { places[item.name] = place }
        let split = tensors.map { $0.name.split(separator: ".", omittingEmptySubsequences: false) }
        var isTaken = [Bool](repeating: false, count: tensors.count)
        var found: [(place: Int, tensor: MappedTensor)] = []
        for rule in rules {
            for place in tensors.indices where !isTaken[place] {
                guard let captured = rule.foreign[0].match(split[place]) else { continue }
                let parts =
                    [place] + rule.foreign.dropFirst().compactMap { places[$0.filled(captured)] }
                guard Self.holds(rule.condition, captured, tensors, places),
                    parts.count == rule.foreign.count, !parts.contains(where: { isTaken[$0] }),
                    let tensor = MappedTensor(
                        rule.own.filled(captured), parts.map { tensors[$0].name },
                        parts.map { tensors[$0].tensor }, rule.form)
                else { continue }
                for part in parts { isTaken[part] = true }
                found.append((place, tensor))
            }
        }
        for (place, item) in tensors.enumerated() where !isTaken[place] {
            guard let tensor = MappedTensor(item.name, [item.name], [item.tensor], .same) else {
                continue
            }
            found.append((place, tensor))
        }
        return found.sorted { $0.place < $1.place }.map(\.tensor)
    }

    /// Whether the file has what a rule asks for.
    private static func holds(
        _ condition: NameRule.Condition?, _ captured: [Substring],
        _ tensors: [(name: String, tensor: TensorRecord)], _ places: [String: Int]
    ) -> Bool {
        switch condition {
        case nil: return true
        case .has(let pattern): return places[pattern.filled(captured)] != nil
        case .packedGate(let first, let second):
            guard let first = places[first.filled(captured)],
                let second = places[second.filled(captured)]
            else { return false }
            let (rows, taken) = (tensors[first].tensor.shape, tensors[second].tensor.shape)
            return rows.count == 2 && taken.count == 2 && rows[0] == 2 * taken[1]
        }
    }

    /// The tensors of a model under the family's names: the inverse of `apply`.
    ///
    /// - Parameter tensors: by Tessera's names; those that no line concerns keep theirs.
    /// - Returns: in the order of `tensors`, parts after one another.
    func inverse(_ tensors: [(name: String, tensor: Tensor)]) -> [(name: String, tensor: Tensor)] {
        tensors.flatMap { name, tensor -> [(name: String, tensor: Tensor)] in
            let split = name.split(separator: ".", omittingEmptySubsequences: false)
            // The first rule that makes the name; it applies to a file if what it asks for is there,
            // which a file written by it has.
            for rule in rules where !rule.foreign[0].forgets {
                guard let captured = rule.own.match(split) else { continue }
                let names = rule.foreign.map { $0.filled(captured) }
                return Array(zip(names, Self.parts(of: tensor, rule.form)))
            }
            return [(name, tensor)]
        }
    }

    /// A model's tensor taken apart into those of a file.
    private static func parts(of tensor: Tensor, _ form: NameRule.Form) -> [Tensor] {
        switch form {
        case .same: return [tensor]
        case .transposed: return [tensor.transposed().contiguous()]
        case .leading(let count): return [tensor.reshaped(Array(tensor.shape.dropFirst(count)))]
        case .patchKernel:
            return [tensor.reshaped([tensor.shape[0], tensor.count / max(tensor.shape[0], 1)])]
        case .joined(let shares):
            let unit = tensor.shape[0] / shares.reduce(0, +)
            var start = 0
            return shares.map { share in
                defer { start += share * unit }
                return tensor[start..<(start + share * unit)]
            }
        }
    }
}
