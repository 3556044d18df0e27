public import Foundation

/// A line of a run's metrics: a step, and named numbers in a fixed order.
public struct MetricsRecord: Sendable, Equatable {
    public let step: Int
    public let epoch: Double
    public let values: [(name: String, value: Double)]

    public init(step: Int, epoch: Double, values: [(name: String, value: Double)]) {
        self.step = step
        self.epoch = epoch
        self.values = values
    }

    /// The value of a name, or nil.
    public subscript(name: String) -> Double? {
        values.first { $0.name == name }?.value
    }

    public static func == (a: MetricsRecord, b: MetricsRecord) -> Bool {
        a.step == b.step && a.epoch == b.epoch
            && a.values.elementsEqual(b.values) { $0.name == $1.name && $0.value == $1.value }
    }
}

/// `metrics.jsonl`: one JSON object a logged step, appended and never rewritten.
///
/// A resumed run first removes the lines after its checkpoint, which it will write again.
public final class MetricsLog {
    private let handle: FileHandle
    private let path: String

    /// - Parameters:
    ///   - url: made if it does not exist.
    ///   - step: lines of later steps, and a last line that was cut off, are removed.
    /// - Throws: `RunFileError` where the file cannot be read or written.
    public init(_ url: URL, continuingAfter step: Int) throws {
        let kept = try Self.lines(of: url).filter {
            Self.record($0).map { $0.step <= step } ?? false
        }
        let text = kept.map { $0 + "\n" }.joined()
        path = url.relativePath
        handle = try RunFileError.naming(path, "write") {
            try Data(text.utf8).write(to: url, options: .atomic)
            let handle = try FileHandle(forWritingTo: url)
            try handle.seekToEnd()
            return handle
        }
    }

    deinit { try? handle.close() }

    /// Appends a line, and returns it.
    ///
    /// - Throws: `RunFileError`, for a full disk for instance.
    public func append(_ record: MetricsRecord) throws -> String {
        let line = Self.json(record)
        try RunFileError.naming(path, "write") {
            try handle.write(contentsOf: Data((line + "\n").utf8))
        }
        return line
    }

    /// The records of a file, their values by name; lines that are none are passed over.
    public static func read(_ url: URL) throws -> [MetricsRecord] {
        try lines(of: url).compactMap(record)
    }

    private static func lines(of url: URL) throws -> [String] {
        guard FileManager.default.fileExists(atPath: url.path) else { return [] }
        // Leniently, as a last line may have been cut inside a character.
        let data = try RunFileError.naming(url.relativePath, "read") { try Data(contentsOf: url) }
        return String(decoding: data, as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// The object's keys in the order of the record; JSON has no word for NaN, so that is null.
    static func json(_ record: MetricsRecord) -> String {
        let fields =
            [("step", "\(record.step)"), ("epoch", number(record.epoch))]
            + record.values.map { ($0.name, number($0.value)) }
        return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
    }

    private static func number(_ value: Double) -> String {
        value.isFinite ? "\(value)" : "null"
    }

    private static func record(_ line: String) -> MetricsRecord? {
        // JSONSerialization would round some numbers in the last bit.
        guard
            let numbers = try? JSONDecoder().decode([String: Double?].self, from: Data(line.utf8)),
            let step = numbers["step"]?.flatMap(Int.init(exactly:))
        else { return nil }
        let values = numbers.filter { $0.key != "step" && $0.key != "epoch" }
            .map { (name: $0.key, value: $0.value ?? .nan) }
            .sorted { $0.name < $1.name }
        return MetricsRecord(
            step: step, epoch: numbers["epoch"]?.flatMap(\.self) ?? 0, values: values)
    }
}
