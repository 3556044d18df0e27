import Foundation

/// Where a run tells people how it goes, on standard error.
///
/// On a terminal one line is rewritten; into a pipe or file whole lines are written, fewer of them.
public final class ProgressLine {
    private let isTerminal: Bool
    private let isSilent: Bool
    private var lastPlain = ContinuousClock.now - .seconds(3600)
    private var lastDrawn = ContinuousClock.now - .seconds(3600)
    private var hasOpenLine = false

    /// - Parameter silent: nothing is written, for programs that read the metrics instead.
    public init(silent: Bool = false) {
        isSilent = silent
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    /// Shows the state of the run, if it is time to, or in any case where it is the last.
    public func update(_ text: @autoclosure () -> String, isLast: Bool = false) {
        guard !isSilent else { return }
        let now = ContinuousClock.now
        if isTerminal {
            guard isLast || now - lastDrawn > .milliseconds(200) else { return }
            lastDrawn = now
            write("\r\u{1B}[2K" + text())
            hasOpenLine = true
            if isLast { finish() }
        } else {
            guard isLast || now - lastPlain > .seconds(10) else { return }
            lastPlain = now
            write(text() + "\n")
        }
    }

    /// Writes a line of its own, such as a warning or a saved checkpoint.
    public func note(_ text: String) {
        guard !isSilent else { return }
        finish()
        write(text + "\n")
    }

    /// Ends the rewritten line.
    public func finish() {
        if hasOpenLine { write("\n") }
        hasOpenLine = false
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}

/// A duration for people: `2 h 03 min`, `4 min 10 s`, `12 s`.
public func readableDuration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    func padded(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    if hours > 0 { return "\(hours) h \(padded(minutes)) min" }
    if minutes > 0 { return "\(minutes) min \(padded(rest)) s" }
    return "\(rest) s"
}
