import Foundation
import Testing

@testable import Training

/// Standard error belongs to the process, so each test has one of its own.
@Suite("The progress line") struct ProgressLineTests {
    @Test("nothing when silent")
    func silent() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) {
            let line = ProgressLine(silent: true)
            line.update("step 1")
            line.note("a note")
            line.update("step 2", isLast: true)
            line.finish()
        }
        #expect(result?.standardErrorContent.isEmpty == true)
    }

    @Test("in a pipe plain lines, at most one in ten seconds but for the last")
    func piped() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) {
            let line = ProgressLine()
            for step in 1...100 { line.update("step \(step)") }
            line.note("a note")
            line.update("step 101", isLast: true)
            line.finish()
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text == "step 1\na note\nstep 101\n")
    }

    @Test("a line that is not shown is not made")
    func lazy() {
        let line = ProgressLine(silent: true)
        func text() -> String {
            Issue.record("made for nobody")
            return ""
        }
        line.update(text())
    }

    @Test(
        "durations for people",
        arguments: [
            (0, "0 s"), (12.4, "12 s"), (59.6, "1 min 00 s"), (250, "4 min 10 s"),
            (7380, "2 h 03 min"), (360_000, "100 h 00 min"), (-1, "?"), (.nan, "?"),
            (.infinity, "?"),
        ] as [(Double, String)])
    func durations(seconds: Double, text: String) {
        #expect(readableDuration(seconds) == text)
    }
}
