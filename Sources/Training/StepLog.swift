import Foundation
import TensorFiles

/// Writes what the steps were like: progress line, `metrics.jsonl`, TensorBoard, `epochs.csv`.
final class StepLog {
    private let metrics: MetricsLog
    private var table: EpochTable
    private let events: EventFileWriter
    private let published: PublishedLog?
    private let progress: ProgressLine
    private let stepsPerEpoch: Int
    private let totalSteps: Int
    private let every: Int
    private let echo: (String) -> Void
    private(set) var open: Open
    private var window = Window()
    /// Seconds that the loop has waited for pictures so far.
    private var waited = 0.0

    /// Of what the next lines are made.
    ///
    /// It goes with the checkpoints, so that the lines of a resumed run are those of one that never stopped.
    struct Open: Codable {
        /// Since the last line of `metrics.jsonl`.
        var line = RunningMeans()
        /// Since the last whole epoch.
        var epoch = RunningMeans()
        /// Steps skipped so far.
        var skippedCount = 0

        static let key = "log"

        /// Nothing where a checkpoint has none, or that of another version: no run is held up by its log.
        static func read(from checkpoint: URL) throws -> Open {
            let text = try SafeTensorsFile(path: checkpoint.path).metadata[key] ?? ""
            let decoder = JSONDecoder()
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            return (try? decoder.decode(Open.self, from: Data(text.utf8))) ?? Open()
        }

        /// What `read` reads.
        var text: String {
            get throws {
                let encoder = JSONEncoder()
                encoder.nonConformingFloatEncodingStrategy = .convertToString(
                    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
                encoder.outputFormatting = .sortedKeys
                return String(decoding: try encoder.encode(self), as: UTF8.self)
            }
        }
    }

    /// Time and pictures since the last line.
    private struct Window {
        var start = ContinuousClock.now
        var images = 0
        /// Seconds that the loop had waited for pictures when the window began.
        var waitedBefore = 0.0

        var seconds: Double { max((ContinuousClock.now - start) / .seconds(1), 1e-9) }
    }

    /// `open` is that of the log at `step`; `columns` are those of the method's published code,
    /// where it has some; `echo` is given every line of `metrics.jsonl` as it is written.
    init(
        _ folder: RunFolder, from step: Int, continuing open: Open = Open(), stepsPerEpoch: Int,
        totalSteps: Int, every: Int, columns: [PublishedColumn], batchSize: Int,
        progress: ProgressLine, echo: @escaping (String) -> Void
    ) throws {
        metrics = try MetricsLog(folder.metrics, continuingAfter: step)
        // A run that is finished writes no line again, though its last may be of a part of an epoch.
        table = try EpochTable(
            folder.epochs, continuingAt: step < totalSteps ? step / stepsPerEpoch : .max)
        events = try EventFileWriter(folder: folder.url.path)
        published =
            columns.isEmpty
            ? nil
            : try PublishedLog(
                folder.publishedLog, columns, after: MetricsLog.read(folder.metrics),
                stepsPerEpoch: stepsPerEpoch, batchSize: batchSize)
        self.open = open
        self.progress = progress
        self.stepsPerEpoch = stepsPerEpoch
        self.totalSteps = totalSteps
        self.every = every
        self.echo = echo
    }

    /// What a step was like.
    struct Entry {
        let step: Int
        let loss: Double
        let parts: [(name: String, value: Double)]
        let gradientNorm: Double
        let learningRate: Double
        let weightDecay: Double
        let wasSkipped: Bool
        /// Steps skipped so far.
        let skippedCount: Int
        let imageCount: Int
        /// Seconds that the loop has waited for pictures so far.
        let waited: Double
        /// Bytes that tensors held on the GPU at most so far; nil on a CPU.
        var peakMemory: Int? = nil
    }

    func add(_ entry: Entry) throws {
        open.line.add(entry)
        open.epoch.add(entry)
        open.skippedCount = entry.skippedCount
        window.images += entry.imageCount
        waited = entry.waited
        let rate = Double(window.images) / window.seconds
        let wait = (entry.waited - window.waitedBefore) / window.seconds
        let isLast = entry.step == totalSteps
        progress.update(
            line(entry, rate: rate, wait: wait), isLast: isLast)
        if entry.step % every == 0 || isLast {
            let memory = entry.peakMemory.map { [("peak_memory_mb", Double($0 >> 20))] } ?? []
            try write(
                step: entry.step,
                open.line.means + [
                    ("images_per_second", rate), ("data_wait", wait),
                    ("skipped_steps", Double(entry.skippedCount)),
                ] + memory)
            open.line = RunningMeans()
            window = Window(waitedBefore: waited)
        }
        if entry.step % stepsPerEpoch == 0 || isLast {
            try table.append(epoch: (entry.step - 1) / stepsPerEpoch, open.epoch.means)
        }
        // A last epoch that was cut short stays open: the run may be given more epochs.
        if entry.step % stepsPerEpoch == 0 { open.epoch = RunningMeans() }
    }

    func addProbe(step: Int, _ values: [(name: String, value: Double)]) throws {
        try write(step: step, values)
        let text = values.map { name, value in
            name.contains("top") ? "\(name) \(oneDecimal(value)) %" : "\(name) \(short(value))"
        }.joined(separator: ", ")
        progress.note("epoch \(oneDecimal(Double(step) / Double(stepsPerEpoch))): \(text)")
        // The probe's time is not the training's.
        window = Window(waitedBefore: waited)
    }

    private func write(step: Int, _ values: [(name: String, value: Double)]) throws {
        let record = MetricsRecord(
            step: step, epoch: Double(step) / Double(stepsPerEpoch), values: values)
        echo(try metrics.append(record))
        try published?.append(record)
        try events.add(values.map { ($0.name, $0.value) }, step: step)
        try events.flush()
    }

    private func line(_ entry: Entry, rate: Double, wait: Double) -> String {
        let epoch = oneDecimal(Double(entry.step) / Double(stepsPerEpoch))
        let epochs = oneDecimal(Double(totalSteps) / Double(stepsPerEpoch))
        let imagesLeft = (totalSteps - entry.step) * entry.imageCount
        let left = readableDuration(Double(imagesLeft) / rate)
        return "epoch \(epoch)/\(epochs)  step \(entry.step)/\(totalSteps)  "
            + "loss \(String(format: "%.4f", entry.loss))  \(Int(rate)) images/s  "
            + "data wait \(percent(wait))  \(left) left"
    }

    private func short(_ value: Double) -> String { String(format: "%.3g", value) }
    private func oneDecimal(_ value: Double) -> String { String(format: "%.1f", value) }
    private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
}

extension RunningMeans {
    /// Adds a step; one that was skipped counts for learning rate and weight decay only.
    fileprivate mutating func add(_ entry: StepLog.Entry) {
        if !entry.wasSkipped {
            add("loss", entry.loss)
            for (name, value) in entry.parts { add(name, value) }
            add("grad_norm", entry.gradientNorm)
        }
        add("lr", entry.learningRate)
        add("weight_decay", entry.weightDecay)
    }
}
