import Foundation
import TensorFiles

/// How many tensors of two files are equal, and how many differ in which way.
struct CheckpointDiffCounts: Encodable {
    let outsideA: Int
    let outsideB: Int
    private(set) var equal = 0
    private(set) var values = 0
    private(set) var dtype = 0
    private(set) var shape = 0
    private(set) var onlyA = 0
    private(set) var onlyB = 0

    private enum CodingKeys: String, CodingKey {
        case outsideA = "outside_prefix_a"
        case outsideB = "outside_prefix_b"
        case equal
        case values
        case dtype
        case shape
        case onlyA = "only_a"
        case onlyB = "only_b"
    }

    /// - Parameters:
    ///   - outsideA: tensors of A that were left out by a prefix.
    ///   - outsideB: the same of B.
    init(outsideA: Int, outsideB: Int) { (self.outsideA, self.outsideB) = (outsideA, outsideB) }

    mutating func add(_ entry: CheckpointComparison.Entry) {
        switch entry.status {
        case .equal: equal += 1
        case .values: values += 1
        case .dtype: dtype += 1
        case .shape: shape += 1
        case .onlyA: onlyA += 1
        case .onlyB: onlyB += 1
        }
    }

    /// Names for which something is not equal.
    var different: Int { values + dtype + shape + onlyA + onlyB }
}

/// Differences of two checkpoints as lines for people.
struct CheckpointDiffText {
    /// Equal tensors have lines too.
    let listsEqual: Bool

    func line(_ entry: CheckpointComparison.Entry) -> String? {
        let name = entry.name.isEmpty ? "(without a name)" : entry.name.withoutControlCharacters
        func tensor(_ type: String?, _ shape: [Int]?) -> String {
            "\(type ?? "") \(shape.map { "\($0)" } ?? "")"
        }
        let a = tensor(entry.dtypeA?.torchName, entry.shapeA)
        let b = tensor(entry.dtypeB?.torchName, entry.shapeB)
        let hint = entry.nearest.map { "; the other file has \($0.withoutControlCharacters)" } ?? ""
        switch entry.status {
        case .equal: return listsEqual ? "equal    \(name)  \(a)\(values(entry))" : nil
        case .values:
            let types = entry.dtypeA == entry.dtypeB ? a : "\(a) and \(b)"
            return "values   \(name)  \(types)\(values(entry))"
        case .dtype: return "dtype    \(name)  \(a) and \(b)\(values(entry))"
        case .shape: return "shape    \(name)  \(a) and \(b)"
        case .onlyA: return "only A   \(name)  \(a)\(hint)"
        case .onlyB: return "only B   \(name)  \(b)\(hint)"
        }
    }

    private func values(_ entry: CheckpointComparison.Entry) -> String {
        guard let difference = entry.difference else { return "" }
        var text = ""
        if difference.maxAbsolute > 0 {
            text += String(
                format: ": max |a-b| %.3g", difference.maxAbsolute)
            if let place = entry.worstPlace, !place.isEmpty { text += " at \(place)" }
            text += String(format: ", relative %.3g", difference.maxRelative)
        }
        if difference.nonFiniteCount > 0 {
            text += (text.isEmpty ? ": " : ", ")
            text += "\(grouped(difference.nonFiniteCount)) NaN or infinite in one alone"
        }
        if !difference.isEqual {
            // Rounding must not say that all are.
            let percent = min(difference.equalShare * 100, 99.99)
            text += String(format: ", %.4g %% equal", percent)
        } else if entry.status == .dtype {
            text += text.isEmpty ? ": the same numbers" : ", within the tolerance"
        }
        return text
    }

    func summary(_ counts: CheckpointDiffCounts) -> String {
        let parts = [
            (counts.equal, "equal"), (counts.values, "with other values"),
            (counts.dtype, "of another dtype"), (counts.shape, "of another shape"),
            (counts.onlyA, "only in A"), (counts.onlyB, "only in B"),
        ]
        var text = parts.filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }
            .joined(separator: ", ")
        if text.isEmpty { text = "neither file has tensors" }
        let outside = [(counts.outsideA, "A"), (counts.outsideB, "B")].filter { $0.0 > 0 }
            .map { "\(grouped($0.0)) of \($0.1)" }
        if !outside.isEmpty {
            text += "; outside of the prefix, not compared: " + outside.joined(separator: ", ")
        }
        return text
    }
}
