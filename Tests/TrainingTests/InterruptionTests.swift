import Foundation
import Testing

@testable import Training

/// Each test sends signals to a process of its own.
@Suite("Interruption") struct InterruptionTests {
    @Test("the first signal asks to stop")
    func asks() async {
        await #expect(processExitsWith: .exitCode(3)) {
            guard !Interruption.isRequested else { exit(1) }
            Interruption.install()
            guard !Interruption.isRequested else { exit(2) }
            raise(SIGTERM)
            exit(Interruption.isRequested ? 3 : 4)
        }
        await #expect(processExitsWith: .exitCode(3)) {
            Interruption.install()
            raise(SIGINT)
            exit(Interruption.isRequested ? 3 : 4)
        }
    }

    @Test("the second one ends the process")
    func ends() async {
        await #expect(processExitsWith: .signal(SIGINT)) {
            Interruption.install()
            raise(SIGINT)
            raise(SIGINT)
        }
        await #expect(processExitsWith: .signal(SIGTERM)) {
            Interruption.install()
            raise(SIGTERM)
            raise(SIGTERM)
        }
    }

    @Test("after a run the first signal ends the process")
    func removed() async {
        for number in [SIGINT, SIGTERM] {
            await #expect(processExitsWith: .signal(number)) { [number = number as Int32] in
                Interruption.install()
                Interruption.remove()
                raise(number)
            }
        }
    }

    @Test("signals that were blocked when the program began are heard")
    func blocked() async {
        await #expect(processExitsWith: .exitCode(3)) {
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGTERM)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            Interruption.install()
            raise(SIGTERM)
            exit(Interruption.isRequested ? 3 : 4)
        }
    }

    @Test("a run saves and says where it stopped; resumed, it is as if it had not")
    func run() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("run")
        await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
            // The signal comes out of the probe after step 7.
            let settings = TinyRun.settings { $0.run.probeEvery = 1.75 }
            Interruption.install()
            let outcome = try TinyRun.train(
                settings, in: path,
                probe: Probe { _ in
                    raise(SIGTERM)
                    return Probe.Reading(values: [])
                })
            exit(outcome == .interrupted(step: 7) ? 3 : 4)
        }
        _ = try TinyRun.checkpoint(path, step: 7)
        try TinyRun.train(TinyRun.settings(), in: path)
        try TinyRun.train(TinyRun.settings(), in: folder.path("undisturbed"))
        let expected = try bytes(of: TinyRun.checkpoint(folder.path("undisturbed"), step: 20))
        #expect(try bytes(of: TinyRun.checkpoint(path, step: 20)) == expected)
        #expect(try TinyRun.metrics(path).filter { $0["loss"] != nil }.map(\.step) == Array(1...20))
    }
}
