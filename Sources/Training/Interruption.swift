import Foundation
import Synchronization

/// Ctrl-C and SIGTERM as a wish to stop at the next step.
///
/// The first signal asks; a second one ends the process at once, as without us.
public enum Interruption {
    /// Whether somebody asked to stop.
    public static var isRequested: Bool { stopRequested.load(ordering: .relaxed) }

    /// From now on the signals ask instead of ending the process.
    public static func install() {
        // Touched here, so that the handler finds it initialised.
        stopRequested.store(false, ordering: .relaxed)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            sigaddset(&signals, number)
            signal(number) { number in
                stopRequested.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
        // Some programs start others with these blocked.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// From now on the signals end the process again, as nobody looks whether they asked.
    public static func remove() {
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }
}

/// Global, because a handler of signals may capture nothing.
private let stopRequested = Atomic(false)
