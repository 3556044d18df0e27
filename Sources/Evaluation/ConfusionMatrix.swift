/// How often class t was taken for class p, `counts[t][p]`.
public struct ConfusionMatrix: Sendable, Equatable {
    public private(set) var counts: [[Int]]
    private static let epsilon = 1e-8

    public init(classCount: Int) {
        counts = Array(repeating: Array(repeating: 0, count: classCount), count: classCount)
    }

    /// Adds predictions; right classes outside of 0..<K are left out.
    public mutating func update(predicted: [Int], targets: [Int]) {
        for (target, predicted) in zip(targets, predicted) where counts.indices.contains(target) {
            counts[target][predicted] += 1
        }
    }

    /// The part of all that is right.
    public var globalAccuracy: Double {
        let total = counts.reduce(0) { $0 + $1.reduce(0, +) }
        return Double(counts.indices.reduce(0) { $0 + counts[$1][$1] })
            / (Double(total) + Self.epsilon)
    }

    /// The part of each class that is right.
    public var accuracies: [Double] {
        counts.indices.map { Double(counts[$0][$0]) / (Double(row($0)) + Self.epsilon) }
    }

    /// Intersection over union of each class.
    public var intersectionsOverUnions: [Double] {
        counts.indices.map { index in
            let right = counts[index][index]
            return Double(right) / (Double(row(index) + column(index) - right) + Self.epsilon)
        }
    }

    private func row(_ index: Int) -> Int { counts[index].reduce(0, +) }

    private func column(_ index: Int) -> Int { counts.reduce(0) { $0 + $1[index] } }
}
