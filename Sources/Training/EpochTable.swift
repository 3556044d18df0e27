import Foundation

/// `epochs.csv`: the means of an epoch's metrics, a line an epoch.
///
/// The file is small and is written anew each time, so that it is whole whenever it is read.
struct EpochTable {
    private let url: URL
    /// `epoch`, then the names in the order in which they first came.
    private var columns = ["epoch"]
    /// The texts of each line; an epoch without the last columns has fewer.
    private var rows: [[String]] = []

    /// The file is made at the first epoch; lines from `epoch` on are removed, as a resumed run
    /// writes them again.
    init(_ url: URL, continuingAt epoch: Int) throws {
        self.url = url
        guard FileManager.default.fileExists(atPath: url.path) else { return }
        let lines = String(decoding: try Data(contentsOf: url), as: UTF8.self)
            .split(separator: "\n")
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        guard let header = lines.first else { return }
        columns = header
        rows = lines.dropFirst().filter { row in
            // A line that was cut off is shorter.
            row.count == header.count && Int(row[0]).map { $0 < epoch } == true
        }
        try write()
    }

    /// Adds a line; a name that no epoch before had makes a column.
    mutating func append(epoch: Int, _ values: [(name: String, value: Double)]) throws {
        for (name, _) in values where !columns.contains(name) { columns.append(name) }
        let texts = Dictionary(values.map { ($0.name, "\($0.value)") }) { _, last in last }
        rows.append(["\(epoch)"] + columns.dropFirst().map { texts[$0] ?? "" })
        try write()
    }

    private func write() throws {
        let lines = ([columns] + rows).map { row in
            let missing = repeatElement("", count: columns.count - row.count)
            return (row + missing).joined(separator: ",") + "\n"
        }
        try RunFileError.naming(url.relativePath, "write") {
            try Data(lines.joined().utf8).write(to: url, options: .atomic)
        }
    }
}

/// Means of named numbers.
struct RunningMeans: Codable {
    private struct Sum: Codable {
        let name: String
        var sum: Double
        var count: Int
    }
    private var sums: [Sum] = []

    mutating func add(_ name: String, _ value: Double) {
        if let index = sums.firstIndex(where: { $0.name == name }) {
            sums[index].sum += value
            sums[index].count += 1
        } else {
            sums.append(Sum(name: name, sum: value, count: 1))
        }
    }

    /// In the order in which the names first came.
    var means: [(name: String, value: Double)] {
        sums.map { ($0.name, $0.sum / Double($0.count)) }
    }
}
