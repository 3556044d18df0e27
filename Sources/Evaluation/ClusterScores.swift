import Foundation
import Torch

/// How well clusters agree with classes: mutual information, pairs, and the best one-to-one naming.
///
/// Numbers of clusters and classes may be any: they only tell apart. iBOT (2022), section 4.2, scores the
/// prototypes of its head by these.
public struct ClusterScores: Sendable, Hashable {
    /// Normalised mutual information, 0 to 1: I(c; y) over the arithmetic mean of both entropies.
    public let mutualInformation: Double
    /// The adjusted Rand index, 0 by chance, 1 for the same partition: Hubert and Arabie (1985).
    public let adjustedRand: Double
    /// The index of Fowlkes and Mallows (1983), 0 to 1: the geometric mean of precision and recall of
    /// pairs that are together.
    public let fowlkesMallows: Double
    /// The share, 0 to 1, of pictures whose cluster is the one of their class, at best; clusters without a
    /// class of their own count as wrong.
    public let accuracy: Double
    /// Which pictures that holds for.
    public let hits: [Bool]
    /// Clusters that have at least one picture.
    public let clusterCount: Int

    /// - Parameters:
    ///   - clusters: of each picture, at least one.
    ///   - labels: as many.
    public init(clusters: [Int], labels: [Int]) {
        require(
            !labels.isEmpty && clusters.count == labels.count,
            "\(clusters.count) clusters for \(labels.count) labels")
        let (rows, rowNames) = Self.numbered(clusters)
        let (columns, columnNames) = Self.numbered(labels)
        var table = [[Int]](
            repeating: [Int](repeating: 0, count: columnNames), count: rowNames)
        for (row, column) in zip(rows, columns) { table[row][column] += 1 }
        let counts = Counts(table)
        mutualInformation = counts.mutualInformation
        adjustedRand = counts.adjustedRand
        fowlkesMallows = counts.fowlkesMallows
        let classes = Assignment.cheapest(table.map { $0.map { -$0 } })
        hits = zip(rows, columns).map { classes[$0] == $1 }
        accuracy = Double(hits.count { $0 }) / Double(hits.count)
        clusterCount = rowNames
    }

    /// The same partition with the numbers 0, 1, 2 … in order of appearance, and how many there are.
    private static func numbered(_ names: [Int]) -> (numbers: [Int], count: Int) {
        var known: [Int: Int] = [:]
        let numbers = names.map { name in
            let number = known[name] ?? known.count
            known[name] = number
            return number
        }
        return (numbers, known.count)
    }
}

/// A table of how many pictures each cluster and class have in common.
private struct Counts {
    private let table: [[Int]]
    private let rows: [Int]
    private let columns: [Int]
    private let total: Double

    init(_ table: [[Int]]) {
        self.table = table
        rows = table.map { $0.reduce(0, +) }
        columns = table[0].indices.map { column in table.reduce(0) { $0 + $1[column] } }
        total = Double(rows.reduce(0, +))
    }

    var mutualInformation: Double {
        let entropies = entropy(rows) + entropy(columns)
        // One cluster of one class says all there is.
        guard entropies > 0 else { return 1 }
        var sum = 0.0
        for (row, counts) in table.enumerated() {
            for (column, count) in counts.enumerated() where count > 0 {
                let expected = Double(rows[row]) * Double(columns[column]) / total
                sum += Double(count) / total * log(Double(count) / expected)
            }
        }
        return min(1, max(0, 2 * sum / entropies))
    }

    private func entropy(_ counts: [Int]) -> Double {
        -counts.reduce(0) { $0 + ($1 > 0 ? Double($1) / total * log(Double($1) / total) : 0) }
    }

    /// Pairs of pictures that are together: in cluster and class, in clusters, in classes, of all.
    private var pairs: (both: Double, clusters: Double, classes: Double, all: Double) {
        func pairs(_ counts: [Int]) -> Double {
            counts.reduce(0) { $0 + Double($1) * (Double($1) - 1) / 2 }
        }
        return (
            table.reduce(0) { $0 + pairs($1) }, pairs(rows), pairs(columns),
            total * (total - 1) / 2
        )
    }

    var adjustedRand: Double {
        let (both, clusters, classes, all) = pairs
        guard all > 0 else { return 1 }
        let expected = clusters * classes / all
        let most = (clusters + classes) / 2
        // Both put everything together, or everything apart.
        return most == expected ? 1 : (both - expected) / (most - expected)
    }

    var fowlkesMallows: Double {
        let (both, clusters, classes, _) = pairs
        return both > 0 ? (both / clusters).squareRoot() * (both / classes).squareRoot() : 0
    }
}
