import Data
import Synchronization
import Training

/// Shows how the reading of a data set goes, whatever thread it is told from.
final class SourceProgress: Sendable {
    private let line: Mutex<ProgressLine>

    init(silent: Bool) { line = Mutex(ProgressLine(silent: silent)) }

    /// Options that report here while a large set is listed or its shards are read.
    var options: SourceOptions {
        var options = SourceOptions()
        options.progress = { [self] progress in
            update(
                "reading the data set: \(progress.pictures) pictures, "
                    + "\(progress.done) of \(progress.known) folders or shards",
                isLast: progress.done == progress.known)
        }
        return options
    }

    func update(_ text: String, isLast: Bool = false) {
        line.withLock { $0.update(text, isLast: isLast) }
    }

    func note(_ text: String) { line.withLock { $0.note(text) } }
}
