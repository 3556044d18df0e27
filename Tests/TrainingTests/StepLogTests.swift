import Foundation
import TensorFiles
import Testing

@testable import Training

@Suite("The log of steps") struct StepLogTests {
    private let temporary: TemporaryFolder
    private let folder: RunFolder

    init() throws {
        temporary = try TemporaryFolder()
        folder = try RunFolder.create(temporary.path("run"))
    }

    private func log(
        from step: Int = 0, continuing open: StepLog.Open = StepLog.Open(), until last: Int = 7,
        every: Int = 2, echo: @escaping (String) -> Void = { _ in }
    ) throws -> StepLog {
        try StepLog(
            folder, from: step, continuing: open, stepsPerEpoch: 4, totalSteps: last, every: every,
            columns: [], batchSize: 8,
            progress: ProgressLine(silent: true), echo: echo)
    }

    /// A step whose numbers are functions of its own number.
    private func entry(
        _ step: Int, skipped: Bool = false, skippedCount: Int = 0, waited: Double = 0
    ) -> StepLog.Entry {
        StepLog.Entry(
            step: step, loss: skipped ? .nan : Double(step),
            parts: [("part", skipped ? .nan : 10 * Double(step))],
            gradientNorm: skipped ? .infinity : 100 * Double(step),
            learningRate: 1000 * Double(step), weightDecay: 10000 * Double(step),
            wasSkipped: skipped, skippedCount: skippedCount, imageCount: 8, waited: waited)
    }

    private var metrics: [MetricsRecord] {
        get throws { try MetricsLog.read(folder.metrics) }
    }

    private var epochs: [String] {
        get throws {
            try String(contentsOf: folder.epochs, encoding: .utf8)
                .split(separator: "\n").map(String.init)
        }
    }

    @Test("a line holds the means since the line before; the last step has one in any case")
    func lines() throws {
        var echoed: [String] = []
        let log = try log { echoed.append($0) }
        for step in 1...7 { try log.add(entry(step)) }
        let metrics = try metrics
        #expect(metrics.map(\.step) == [2, 4, 6, 7])
        #expect(metrics.map(\.epoch) == [0.5, 1, 1.5, 1.75])
        let means = [1.5, 3.5, 5.5, 7]
        #expect(metrics.map { $0["loss"] } == means)
        #expect(metrics.map { $0["part"] } == means.map { 10 * $0 })
        #expect(metrics.map { $0["grad_norm"] } == means.map { 100 * $0 })
        #expect(metrics.map { $0["lr"] } == means.map { 1000 * $0 })
        #expect(metrics.map { $0["weight_decay"] } == means.map { 10000 * $0 })
        #expect(metrics.allSatisfy { ($0["images_per_second"] ?? 0) > 0 })
        let text = try String(contentsOf: folder.metrics, encoding: .utf8)
        #expect(echoed.joined(separator: "\n") + "\n" == text)
    }

    @Test("an epoch's means, also of a last epoch that is cut short")
    func epochMeans() throws {
        let log = try log(every: 100)
        for step in 1...7 { try log.add(entry(step)) }
        #expect(
            try epochs == [
                "epoch,loss,part,grad_norm,lr,weight_decay", "0,2.5,25.0,250.0,2500.0,25000.0",
                "1,6.0,60.0,600.0,6000.0,60000.0",
            ])
    }

    @Test("a skipped step counts for learning rate and weight decay only")
    func skipped() throws {
        let log = try log(every: 4)
        try log.add(entry(1, skipped: true, skippedCount: 1))
        for step in 2...4 { try log.add(entry(step, skippedCount: 1)) }
        let line = try #require(metrics.first)
        #expect(line["loss"] == 3 && line["grad_norm"] == 300 && line["part"] == 30)
        #expect(line["lr"] == 2500 && line["skipped_steps"] == 1)
        for step in 5...7 { try log.add(entry(step, skippedCount: 1)) }
        // The first epoch's first name was the learning rate's; the second epoch's was the loss's.
        #expect(
            try epochs == [
                "epoch,lr,weight_decay,loss,part,grad_norm", "0,2500.0,25000.0,3.0,30.0,300.0",
                "1,6000.0,60000.0,6.0,60.0,600.0",
            ])
    }

    @Test("a resumed log continues the files of the first")
    func resuming() throws {
        let first = try log()
        for step in 1...6 { try first.add(entry(step)) }
        let second = try log(from: 4)
        #expect(try metrics.map(\.step) == [2, 4])
        for step in 5...7 { try second.add(entry(step)) }
        #expect(try metrics.map(\.step) == [2, 4, 6, 7])
        #expect(try epochs.map { $0.prefix(1) } == ["e", "0", "1"])
        let events = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
            .filter { $0.hasPrefix("events.out.tfevents.") }
        #expect(events.count == 2)
    }

    /// What a run finds that goes on from a checkpoint with such a text.
    private func saved(_ text: String?) throws -> StepLog.Open {
        let checkpoint = temporary.file("checkpoint.safetensors")
        let none: [(name: String, tensor: TensorRecord)] = []
        try SafeTensorsWriter.write(
            none, to: checkpoint.path,
            metadata: text.map { [StepLog.Open.key: $0] } ?? [:])
        return try StepLog.Open.read(from: checkpoint)
    }

    @Test("where a run stopped between two lines, the next are still of all their steps")
    func openMeans() throws {
        let first = try log(every: 3)
        try first.add(entry(1, skipped: true, skippedCount: 1))
        for step in 2...5 { try first.add(entry(step, skippedCount: 1)) }
        let open = try saved(first.open.text)
        #expect(open.skippedCount == 1)
        let second = try log(from: 5, continuing: open, every: 3)
        for step in 6...7 { try second.add(entry(step, skippedCount: 1)) }
        #expect(try metrics.map { $0["loss"] } == [2.5, 5, 7])
        #expect(try metrics.map { $0["lr"] } == [2000, 5000, 7000])
        let names = "epoch,lr,weight_decay,loss,part,grad_norm"
        let whole = "0,2500.0,25000.0,3.0,30.0,300.0"
        let part = "1,6000.0,60000.0,6.0,60.0,600.0"
        #expect(try epochs == [names, whole, part])
        // The run is finished: its last line stays, though the epoch has another step.
        _ = try log(from: 7)
        #expect(try epochs == [names, whole, part])

        // The run is given another step, which completes its last epoch.
        let third = try log(from: 7, continuing: second.open, until: 8, every: 3)
        try third.add(entry(8, skippedCount: 1))
        #expect(try epochs == [names, whole, "1,6500.0,65000.0,6.5,65.0,650.0"])
        #expect(try metrics.last?["loss"] == 8)
    }

    @Test("a checkpoint's open lines: infinite means, and none in those of other versions")
    func openInCheckpoints() throws {
        #expect(try saved(nil).line.means.isEmpty)
        var open = StepLog.Open()
        for value in [Double.nan, .infinity, -.infinity, 0.1] { open.line.add("\(value)", value) }
        let again = try saved(open.text)
        #expect(again.line.means.map { "\($0.value)" } == ["nan", "inf", "-inf", "0.1"])
        #expect(again.line.means.map(\.name) == ["nan", "inf", "-inf", "0.1"])
        #expect(try saved("[]").line.means.isEmpty)
    }

    @Test("a probe has a line of its own, and its time is not the training's")
    func probe() throws {
        let log = try log(every: 3)
        // The loop had waited an hour for the pictures before the probe.
        try log.add(entry(1, waited: 3600))
        try log.addProbe(step: 1, [("knn_top1", 81.25)])
        for step in 2...3 { try log.add(entry(step, waited: 3600)) }
        let metrics = try metrics
        #expect(metrics.map(\.step) == [1, 3])
        #expect(metrics[0].values.map(\.name) == ["knn_top1"] && metrics[0]["knn_top1"] == 81.25)
        #expect(metrics[1]["loss"] == 2)
        #expect(metrics[1]["data_wait"] == 0)
    }
}
