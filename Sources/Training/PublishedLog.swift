import Foundation

/// A column of the log that a method's published code writes.
public struct PublishedColumn: Sendable {
    /// As it stands in the header.
    public let name: String
    /// What of a logged step it holds, as printf formats it.
    let text: @Sendable (LoggedStep) -> String

    /// A number in a printf format; -1 where there is none.
    public static func number(
        _ name: String, _ format: String, _ value: @escaping @Sendable (LoggedStep) -> Double?
    ) -> Self {
        Self(name: name) { String(format: format, value($0) ?? -1) }
    }

    /// A whole number; -1 where there is none.
    public static func integer(
        _ name: String, _ value: @escaping @Sendable (LoggedStep) -> Int?
    ) -> Self {
        Self(name: name) { "\(value($0) ?? -1)" }
    }
}

/// A line of `metrics.jsonl` of training.
public struct LoggedStep: Sendable {
    public let record: MetricsRecord
    public let stepsPerEpoch: Int
    /// Pictures of a step.
    public let batchSize: Int

    /// Counted from 1.
    public var epoch: Int { (record.step - 1) / stepsPerEpoch + 1 }
    /// Of the epoch, counted from 0.
    public var iteration: Int { (record.step - 1) % stepsPerEpoch }
    /// Of a step, on average since the line before, with loading.
    public var milliseconds: Double? {
        record["images_per_second"].map { 1000 * Double(batchSize) / $0 }
    }
}

/// `log.csv`: the logged steps in the columns of a method's published code, for tools that read those.
///
/// With `run.logEvery=1` it has a line for each step, as the published ones.
final class PublishedLog {
    private let columns: [PublishedColumn]
    private let stepsPerEpoch: Int
    private let batchSize: Int
    private let path: String
    private let handle: FileHandle

    /// The file holds the lines of `records`, which a resumed run goes on after.
    init(
        _ url: URL, _ columns: [PublishedColumn], after records: [MetricsRecord],
        stepsPerEpoch: Int, batchSize: Int
    ) throws {
        self.columns = columns
        self.stepsPerEpoch = stepsPerEpoch
        self.batchSize = batchSize
        path = url.relativePath
        handle = try RunFileError.naming(url.relativePath, "write") {
            try Data((columns.map(\.name).joined(separator: ",") + "\n").utf8)
                .write(to: url, options: .atomic)
            let handle = try FileHandle(forWritingTo: url)
            try handle.seekToEnd()
            return handle
        }
        for record in records { try append(record) }
    }

    deinit { try? handle.close() }

    /// Adds the line of a step; what a probe measured is not one.
    func append(_ record: MetricsRecord) throws {
        guard record["images_per_second"] != nil else { return }
        let step = LoggedStep(record: record, stepsPerEpoch: stepsPerEpoch, batchSize: batchSize)
        let line = columns.map { $0.text(step) }.joined(separator: ",") + "\n"
        try RunFileError.naming(path, "write") { try handle.write(contentsOf: Data(line.utf8)) }
    }
}
