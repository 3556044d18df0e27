import Foundation

/// `epochs.csv`: the means of an epoch's metrics, a line an epoch.
struct EpochTable {
    private let url: URL

    /// The file is made with a header at the first epoch; lines from `epoch` on are removed, as a
    /// resumed run writes them again.
    init(_ url: URL, continuingAt epoch: Int) throws {
        self.url = url
        guard FileManager.default.fileExists(atPath: url.path) else { return }
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        let kept = lines.enumerated().filter { index, line in
            index == 0 || (line.split(separator: ",").first.flatMap { Int($0) } ?? epoch) < epoch
        }
        try Data(kept.map { $0.element + "\n" }.joined().utf8).write(to: url, options: .atomic)
    }

    func append(epoch: Int, _ values: [(name: String, value: Double)]) throws {
        if !FileManager.default.fileExists(atPath: url.path) {
            let header = (["epoch"] + values.map(\.name)).joined(separator: ",") + "\n"
            try Data(header.utf8).write(to: url)
        }
        let line = (["\(epoch)"] + values.map { "\($0.value)" }).joined(separator: ",") + "\n"
        let handle = try FileHandle(forWritingTo: url)
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(line.utf8))
    }
}

/// Means of named numbers.
struct RunningMeans {
    private var sums: [(name: String, sum: Double, count: Int)] = []

    mutating func add(_ name: String, _ value: Double) {
        if let index = sums.firstIndex(where: { $0.name == name }) {
            sums[index].sum += value
            sums[index].count += 1
        } else {
            sums.append((name, value, 1))
        }
    }

    /// In the order in which the names first came.
    var means: [(name: String, value: Double)] {
        sums.map { ($0.name, $0.sum / Double($0.count)) }
    }
}
