import Foundation

/// Writes what the steps were like: progress line, `metrics.jsonl`, TensorBoard, `epochs.csv`.
final class StepLog {
    private let metrics: MetricsLog
    private let table: EpochTable
    private let events: EventFileWriter
    private let progress: ProgressLine
    private let stepsPerEpoch: Int
    private let totalSteps: Int
    private let every: Int
    private let echo: (String) -> Void
    private var sinceLine = RunningMeans()
    private var sinceEpoch = RunningMeans()
    private var window = Window()

    /// Time and pictures since the last line.
    private struct Window {
        var start = ContinuousClock.now
        var images = 0
        var waiting = 0.0

        var seconds: Double { max((ContinuousClock.now - start) / .seconds(1), 1e-9) }
    }

    /// `echo` is given every line of `metrics.jsonl` as it is written.
    init(
        _ folder: RunFolder, from step: Int, stepsPerEpoch: Int, totalSteps: Int, every: Int,
        progress: ProgressLine, echo: @escaping (String) -> Void
    ) throws {
        metrics = try MetricsLog(folder.metrics, continuingAfter: step)
        table = try EpochTable(folder.epochs, continuingAt: step / stepsPerEpoch)
        events = try EventFileWriter(folder: folder.url.path)
        self.progress = progress
        self.stepsPerEpoch = stepsPerEpoch
        self.totalSteps = totalSteps
        self.every = every
        self.echo = echo
    }

    func add<Method>(
        step: Int, _ made: Trainer<Method>.MadeStep, learningRate: Double, skipped: Int,
        imageCount: Int, dataWait: Double
    ) throws {
        for means in [\StepLog.sinceLine, \StepLog.sinceEpoch] {
            if !made.wasSkipped {
                self[keyPath: means].add("loss", made.loss)
                for (name, value) in made.parts { self[keyPath: means].add(name, value) }
                self[keyPath: means].add("grad_norm", made.gradientNorm)
            }
            self[keyPath: means].add("lr", learningRate)
        }
        window.images += imageCount
        window.waiting += dataWait
        let rate = Double(window.images) / window.seconds
        progress.update(
            line(step: step, loss: made.loss, rate: rate), isLast: step == totalSteps)
        if step % every == 0 || step == totalSteps {
            try write(
                step: step,
                sinceLine.means + [
                    ("images_per_second", rate), ("data_wait", window.waiting / window.seconds),
                    ("skipped_steps", Double(skipped)),
                ])
            sinceLine = RunningMeans()
            window = Window()
        }
        if step % stepsPerEpoch == 0 || step == totalSteps {
            try table.append(epoch: (step - 1) / stepsPerEpoch, sinceEpoch.means)
            sinceEpoch = RunningMeans()
        }
    }

    func addProbe(step: Int, _ values: [(name: String, value: Double)]) throws {
        try write(step: step, values)
        let text = values.map { "\($0.name) \(percent($0.value))" }.joined(separator: ", ")
        progress.note("epoch \(oneDecimal(Double(step) / Double(stepsPerEpoch))): \(text)")
        // The probe's time is not the training's.
        window = Window()
    }

    private func write(step: Int, _ values: [(name: String, value: Double)]) throws {
        let record = MetricsRecord(
            step: step, epoch: Double(step) / Double(stepsPerEpoch), values: values)
        echo(try metrics.append(record))
        try events.add(values.map { ($0.name, $0.value) }, step: step)
        try events.flush()
    }

    private func line(step: Int, loss: Double, rate: Double) -> String {
        let epoch = oneDecimal(Double(step) / Double(stepsPerEpoch))
        let epochs = oneDecimal(Double(totalSteps) / Double(stepsPerEpoch))
        let waiting = percent(window.waiting / window.seconds)
        let imagesAStep = Double(window.images) / Double(max((step - 1) % every + 1, 1))
        let left = readableDuration(Double(totalSteps - step) * imagesAStep / rate)
        return "epoch \(epoch)/\(epochs)  step \(step)/\(totalSteps)  "
            + "loss \(String(format: "%.4f", loss))  \(Int(rate)) images/s  data wait \(waiting)  "
            + "\(left) left"
    }

    private func oneDecimal(_ value: Double) -> String { String(format: "%.1f", value) }
    private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
}
