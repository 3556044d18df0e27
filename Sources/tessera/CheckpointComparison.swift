import Configuration
import TensorFiles

/// The tensors of two files, paired by name and compared one at a time.
struct CheckpointComparison {
    /// How one tensor fares.
    enum Status: String, Encodable {
        case equal
        case values
        case dtype
        case shape
        case onlyA = "only-a"
        case onlyB = "only-b"
    }

    /// What is found out about one name.
    struct Entry: Encodable {
        let name: String
        let status: Status
        var dtypeA: ElementType?
        var dtypeB: ElementType?
        var shapeA: [Int]?
        var shapeB: [Int]?
        var difference: TensorDifference?
        /// For a tensor without partner, the name there that is most like its own.
        var nearest: String?

        private enum Key: String, CodingKey {
            case name
            case status
            case dtypeA = "dtype_a"
            case dtypeB = "dtype_b"
            case shapeA = "shape_a"
            case shapeB = "shape_b"
            case maxAbsolute = "max_abs_difference"
            case maxRelative = "max_rel_difference"
            case equalShare = "equal_share"
            case nonFinite = "nonfinite_differences"
            case worst
            case nearest
        }

        func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: Key.self)
            try fields.encode(name, forKey: .name)
            try fields.encode(status, forKey: .status)
            try fields.encodeIfPresent(dtypeA?.torchName, forKey: .dtypeA)
            try fields.encodeIfPresent(dtypeB?.torchName, forKey: .dtypeB)
            try fields.encodeIfPresent(shapeA, forKey: .shapeA)
            try fields.encodeIfPresent(shapeB, forKey: .shapeB)
            try fields.encodeIfPresent(nearest, forKey: .nearest)
            guard let difference else { return }
            try fields.encode(difference.maxAbsolute, forKey: .maxAbsolute)
            try fields.encode(difference.maxRelative, forKey: .maxRelative)
            try fields.encode(difference.equalShare, forKey: .equalShare)
            try fields.encode(difference.nonFiniteCount, forKey: .nonFinite)
            try fields.encodeIfPresent(worstPlace, forKey: .worst)
        }

        /// Indices of the element that differs most.
        var worstPlace: [Int]? {
            guard var index = difference?.worstIndex, let shapeA else { return nil }
            var place: [Int] = []
            for size in shapeA.reversed() {
                place.append(index % size)
                index /= size
            }
            return place.reversed()
        }
    }

    private let names: [String]
    private let first: [String: TensorRecord]
    private let second: [String: TensorRecord]
    private let tolerance: TensorDifference.Tolerance
    private let ignoresType: Bool
    /// Names without partner, where a stray's own name may have become another.
    private let strayA: [String]
    private let strayB: [String]

    /// Beyond so many strays, nobody looks for the nearest names.
    private static let mostStrays = 500

    /// - Parameters:
    ///   - first: the tensors of A, in its order, which is also that of the entries.
    ///   - second: the tensors of B; those that A lacks come last.
    ///   - tolerance: what counts as equal.
    ///   - ignoresType: whether types may differ.
    init(
        _ first: [(name: String, tensor: TensorRecord)],
        _ second: [(name: String, tensor: TensorRecord)], tolerance: TensorDifference.Tolerance,
        ignoresType: Bool
    ) {
        self.first = Dictionary(first.map { ($0.name, $0.tensor) }) { $1 }
        self.second = Dictionary(second.map { ($0.name, $0.tensor) }) { $1 }
        self.tolerance = tolerance
        self.ignoresType = ignoresType
        let (a, b) = (self.first, self.second)
        strayA = first.map(\.name).filter { b[$0] == nil }
        strayB = second.map(\.name).filter { a[$0] == nil }
        names = first.map(\.name) + strayB
    }

    var indices: Range<Int> { names.indices }

    /// Compares the tensors of one name.
    func entry(at index: Int) -> Entry {
        let name = names[index]
        guard let a = first[name] else {
            return Entry(
                name: name, status: .onlyB, dtypeB: second[name]?.elementType,
                shapeB: second[name]?.shape, nearest: nearestName(name, in: strayA))
        }
        guard let b = second[name] else {
            return Entry(
                name: name, status: .onlyA, dtypeA: a.elementType, shapeA: a.shape,
                nearest: nearestName(name, in: strayB))
        }
        func entry(_ status: Status, _ difference: TensorDifference?) -> Entry {
            Entry(
                name: name, status: status, dtypeA: a.elementType, dtypeB: b.elementType,
                shapeA: a.shape, shapeB: b.shape, difference: difference)
        }
        guard a.shape == b.shape else { return entry(.shape, nil) }
        let difference = TensorDifference(a, b, tolerance: tolerance)
        if !difference.isEqual { return entry(.values, difference) }
        let isOfOneType = a.elementType == b.elementType || ignoresType
        return entry(isOfOneType ? .equal : .dtype, difference)
    }

    private func nearestName(_ name: String, in strays: [String]) -> String? {
        guard strayA.count <= Self.mostStrays, strayB.count <= Self.mostStrays else { return nil }
        return nearest(name, in: strays)
    }
}
