import Torch

/// The cheapest one-to-one assignment of rows to columns.
///
/// Kuhn, *The Hungarian Method* (1955), with potentials and shortest augmenting paths as Jonker and
/// Volgenant, *A Shortest Augmenting Path Algorithm* (1987), have it: for each row the shortest path from
/// it to a free column, over costs less potentials, which stay at least 0. n² m steps for n rows and m
/// columns, n ≤ m.
public enum Assignment {
    /// The column of each row, nil for rows that are left over where there are more rows than columns.
    ///
    /// - Parameter costs: a row each, all of one length.
    /// - Returns: columns, no two of them equal, with the least sum of costs.
    public static func cheapest(_ costs: [[Int]]) -> [Int?] {
        let columns = costs.first?.count ?? 0
        require(costs.allSatisfy { $0.count == columns }, "rows of costs of several lengths")
        guard columns > 0 else { return costs.map { _ in nil } }
        guard costs.count <= columns else {
            // Rows and columns trade places, so that there are no fewer columns than rows.
            return rowOfColumn((0..<columns).map { column in costs.map { $0[column] } })
        }
        var columnOfRow = [Int?](repeating: nil, count: costs.count)
        for (column, row) in rowOfColumn(costs).enumerated() {
            if let row { columnOfRow[row] = column }
        }
        return columnOfRow
    }

    /// The row of each column, where there are at least as many columns as rows.
    private static func rowOfColumn(_ costs: [[Int]]) -> [Int?] {
        let columns = costs[0].count
        var rowPotential = costs.map { _ in 0 }
        var columnPotential = [Int](repeating: 0, count: columns)
        var owner: [Int?] = Array(repeating: nil, count: columns)
        for start in costs.indices {
            // Dijkstra's search from a row to the nearest free column.
            var distance = [Int](repeating: .max, count: columns)
            var previous: [Int?] = Array(repeating: nil, count: columns)
            var isDone = [Bool](repeating: false, count: columns)
            var reached: [(row: Int, distance: Int)] = [(start, 0)]
            var last: Int?
            var free: Int?
            while free == nil {
                let (row, length) = reached[reached.count - 1]
                var nearest: Int?
                for column in 0..<columns where !isDone[column] {
                    let reduced = costs[row][column] - rowPotential[row] - columnPotential[column]
                    if length + reduced < distance[column] {
                        distance[column] = length + reduced
                        previous[column] = last
                    }
                    if nearest.map({ distance[column] < distance[$0] }) ?? true { nearest = column }
                }
                guard let nearest else { fatalError("no column is left for row \(row)") }
                isDone[nearest] = true
                last = nearest
                if let row = owner[nearest] {
                    reached.append((row, distance[nearest]))
                } else {
                    free = nearest
                }
            }
            guard let free else { continue }
            let end = distance[free]
            for (row, length) in reached { rowPotential[row] += end - length }
            for column in 0..<columns where isDone[column] {
                columnPotential[column] -= end - distance[column]
            }
            // Every column of the path takes the row of the one before.
            var column = free
            while let before = previous[column] {
                owner[column] = owner[before]
                column = before
            }
            owner[column] = start
        }
        return owner
    }
}
