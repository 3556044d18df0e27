import Foundation
import NN
import TensorFiles
import Testing
import Torch

@testable import Training

@Suite("Steps that are not finite") struct NonFiniteGuardTests {
    private let folder: TemporaryFolder
    private var capture: URL { folder.file("nonfinite.safetensors") }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func images(_ value: Float) -> Tensor { Tensor([value, value]) }

    private func judge(
        _ guardian: inout NonFiniteGuard, loss: Double = 1, gradientNorm: Double = 1, step: Int = 1
    ) throws -> Bool {
        try guardian.admits(
            loss: loss, gradientNorm: gradientNorm, step: step, views: [images(Float(step))])
    }

    @Test("finite steps are admitted and leave nothing behind")
    func finite() throws {
        var guardian = NonFiniteGuard(limit: 1, capture: capture)
        for loss in [0, -3, 1e300] {
            #expect(try judge(&guardian, loss: loss, gradientNorm: 1e200))
        }
        #expect(guardian.skippedCount == 0)
        #expect(!FileManager.default.fileExists(atPath: capture.path))
    }

    @Test(
        "a loss or a gradient that is not finite is counted",
        arguments: [
            (Double.nan, 1.0), (.infinity, 1), (-.infinity, 1), (1, .nan), (1, .infinity),
        ])
    func counted(loss: Double, gradientNorm: Double) throws {
        var guardian = NonFiniteGuard(limit: 9, capture: capture)
        #expect(try !judge(&guardian, loss: loss, gradientNorm: gradientNorm))
        #expect(guardian.skippedCount == 1)
        #expect(try judge(&guardian))
        #expect(guardian.skippedCount == 1)
    }

    @Test("all views of a batch are captured, and steps of before count")
    func views() throws {
        var guardian = NonFiniteGuard(limit: 9, capture: capture, skippedCount: 2)
        let views = [images(1), Tensor([2] as [Float])]
        // The run has skipped steps before, but there is no capture any more.
        #expect(try !guardian.admits(loss: .nan, gradientNorm: 1, step: 3, views: views))
        #expect(guardian.skippedCount == 3)
        #expect(!FileManager.default.fileExists(atPath: capture.path))
        guardian = NonFiniteGuard(limit: 9, capture: capture)
        #expect(try !guardian.admits(loss: .nan, gradientNorm: 1, step: 3, views: views))
        let file = try SafeTensorsFile(path: capture.path)
        #expect(try file.tensor("images.0").shape == [2] && file.tensor("images.1").shape == [1])
    }

    @Test("the first such batch of the run is captured, once")
    func capturedOnce() throws {
        var guardian = NonFiniteGuard(limit: 9, capture: capture)
        _ = try judge(&guardian, loss: .nan, gradientNorm: .infinity, step: 7)
        let first = try Data(contentsOf: capture)
        _ = try judge(&guardian, loss: .infinity, step: 8)
        _ = try judge(&guardian, step: 9)
        _ = try judge(&guardian, loss: .infinity, step: 10)
        #expect(try Data(contentsOf: capture) == first)
        let file = try SafeTensorsFile(path: capture.path)
        #expect(file.metadata["step"] == "7" && file.metadata["loss"] == "nan")
        #expect(file.metadata["grad_norm"] == "inf")
        #expect(try Tensor(file.tensor("images")).values(as: Float.self) == [7, 7])

        // A resumed run is the same run.
        var resumed = NonFiniteGuard(limit: 9, capture: capture)
        _ = try judge(&resumed, loss: .nan, step: 20)
        #expect(try Data(contentsOf: capture) == first)
    }

    @Test("the limit ends the run with what happened and what to do")
    func limit() throws {
        var guardian = NonFiniteGuard(limit: 3, capture: capture)
        for step in 1...2 { #expect(try !judge(&guardian, loss: .nan, step: step)) }
        let error = #expect(throws: TrainingError.self) {
            try judge(&guardian, loss: -.infinity, step: 3)
        }
        let text = try #require(error).description
        for word in [
            "3 steps in a row", "step 3 (loss -inf)", capture.path, "optim.lr, or optim.baseLr",
            "optim.clip=1.0", "schedule.warmupEpochs", "run.precision=float32", "tessera resume",
        ] { #expect(text.contains(word), "\(text)") }
    }

    @Test("overflows of fp16 are skipped and no more, until the scale is small")
    func overflows() throws {
        var guardian = NonFiniteGuard(limit: 2, capture: capture)
        func overflow(_ scale: Double, loss: Double = 1, step: Int = 1) throws -> Bool {
            try guardian.admits(
                loss: loss, gradientNorm: .infinity, lossScale: scale, step: step,
                views: [images(1)])
        }
        for scale in [32768.0, 16384, 8192, 1] { #expect(try !overflow(scale)) }
        #expect(guardian.skippedCount == 4)
        #expect(!FileManager.default.fileExists(atPath: capture.path))
        // The loss itself, or gradients that no scale helps, are another matter.
        #expect(try !overflow(4096, loss: .nan, step: 5))
        #expect(try SafeTensorsFile(path: capture.path).metadata["step"] == "5")
        #expect(throws: TrainingError.self) { try overflow(0.5) }
        #expect(guardian.skippedCount == 6)
    }

    @Test("a finite step starts the count anew")
    func reset() throws {
        var guardian = NonFiniteGuard(limit: 3, capture: capture)
        for loss in [Double.nan, .nan, 1, .nan, .nan, 1] { _ = try judge(&guardian, loss: loss) }
        #expect(guardian.skippedCount == 4)
        for _ in 0..<2 { _ = try judge(&guardian, loss: .nan) }
        #expect(throws: TrainingError.self) { try judge(&guardian, loss: .nan) }
    }
}
