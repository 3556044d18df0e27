import Foundation

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
    private var sinceLine = RunningMeans()
    private var sinceEpoch = RunningMeans()
    private var window = Window()
    /// Seconds that the loop has waited for pictures so far.
    private var waited = 0.0

    /// Time and pictures since the last line.
    private struct Window {
        var start = ContinuousClock.now
        var images = 0
        /// Seconds that the loop had waited for pictures when the window began.
        var waitedBefore = 0.0

        var seconds: Double { max((ContinuousClock.now - start) / .seconds(1), 1e-9) }
    }

    /// `columns` are those of the method's published code, where it has some; `echo` is given every
    /// line of `metrics.jsonl` as it is written.
    init(
        _ folder: RunFolder, from step: Int, stepsPerEpoch: Int, totalSteps: Int, every: Int,
        columns: [PublishedColumn], batchSize: Int, progress: ProgressLine,
        echo: @escaping (String) -> Void
    ) throws {
        metrics = try MetricsLog(folder.metrics, continuingAfter: step)
        table = try EpochTable(folder.epochs, continuingAt: step / stepsPerEpoch)
        events = try EventFileWriter(folder: folder.url.path)
        published =
            columns.isEmpty
            ? nil
            : try PublishedLog(
                folder.publishedLog, columns, after: MetricsLog.read(folder.metrics),
                stepsPerEpoch: stepsPerEpoch, batchSize: batchSize)
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
        sinceLine.add(entry)
        sinceEpoch.add(entry)
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
                sinceLine.means + [
                    ("images_per_second", rate), ("data_wait", wait),
                    ("skipped_steps", Double(entry.skippedCount)),
                ] + memory)
            sinceLine = RunningMeans()
            window = Window(waitedBefore: waited)
        }
        if entry.step % stepsPerEpoch == 0 || isLast {
            try table.append(epoch: (entry.step - 1) / stepsPerEpoch, sinceEpoch.means)
            sinceEpoch = RunningMeans()
        }
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
