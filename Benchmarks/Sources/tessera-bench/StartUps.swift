import Foundation
import Glibc

/// The benchmarks of how soon something happens, process start included.
struct StartUps {
    /// The folder of Tessera's sources and its build.
    let root: String
    /// The peer's interpreter; empty for none.
    let python: String
    let rounds: Int

    struct Race {
        let name: String
        let ours: [String]
        let peer: [String]
        /// What the command prints when it is there; nil for its end.
        var until: String? = nil
        var remark: String? = nil
    }

    /// The help of the tool, beside what any entry point in Python begins with.
    var help: Race {
        Race(
            name: "startup_help", ours: [root + "/.build/release/tessera", "--help"],
            peer: [python, "-c", "import torch, timm"],
            remark: "the peer imports torch and timm, with which entry points in Python begin")
    }

    /// The first training step on Fashion-MNIST, beside a small vision transformer in Python.
    func firstStep(data: String, scratch: String) -> Race {
        Race(
            name: "first_training_step",
            ours: [
                root + "/.build/release/tessera", "pretrain",
                root + "/configs/pretrain/mae/fashion-mnist.yaml", "--data", data, "--out",
                scratch + "/run", "--json", "run.logEvery=1",
            ],
            peer: [python, root + "/Benchmarks/peers/first_step.py", data], until: "step")
    }

    /// Both sides in turns; the median counts.
    func run(_ race: Race, between: () -> Void = {}) throws -> Result {
        var (ours, peer): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            if let time = try seconds(race.ours, until: race.until) { ours.append(time) }
            between()
            if !python.isEmpty, let time = try seconds(race.peer, until: race.until) {
                peer.append(time)
            }
        }
        return Result(
            race.name, unit: "s", ours: median(ours), peer: median(peer), largerIsBetter: false)
    }

    /// Seconds from the start of a command to its end, or until it has printed `text`, after which
    /// it is ended; nil where it fails before.
    private func seconds(_ command: [String], until text: String?) throws -> Double? {
        guard FileManager.default.isExecutableFile(atPath: command[0]) else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        let clock = ContinuousClock()
        let start = clock.now
        try process.run()
        var printed = ""
        while true {
            let more = output.fileHandleForReading.availableData
            printed += String(decoding: more, as: UTF8.self)
            if let text, printed.contains(text) {
                let seconds = (clock.now - start) / .seconds(1)
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                return seconds
            }
            if more.isEmpty { break }
        }
        process.waitUntilExit()
        let isDone = process.terminationStatus == 0 && text == nil
        return isDone ? (clock.now - start) / .seconds(1) : nil
    }
}
