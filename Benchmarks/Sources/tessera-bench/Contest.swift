import Foundation

/// Runs both sides of a benchmark, each in a process of its own, in turns.
///
/// Both processes are alive throughout and one works at a time, so that whatever else the machine
/// does meets both alike.
struct Contest {
    /// The command that starts our side, and the one that starts the peer's; settings are appended.
    let ours: [String]
    let peer: [String]?

    struct Outcome {
        var ours: [Sample] = []
        var peer: [Sample] = []
        var remarks: [String] = []
    }

    func run(_ benchmark: Benchmark) throws -> Outcome {
        let text = String(decoding: try JSONEncoder().encode(benchmark.settings), as: UTF8.self)
        if benchmark.isFirst { return try runFirst(benchmark, text) }
        var outcome = Outcome()
        let us = try Competitor(ours + [text])
        defer { us.stop() }
        var them: Competitor?
        if let peer = benchmark.ownPeer == nil ? peer : ours {
            do {
                let settings = try benchmark.ownPeer.map {
                    String(decoding: try JSONEncoder().encode($0), as: UTF8.self)
                }
                them = try Competitor(peer + [settings ?? text])
            } catch {
                outcome.remarks.append("\(benchmark.name): no peer, \(error)")
            }
        }
        defer { them?.stop() }
        for _ in 0..<benchmark.rounds {
            // Loaders go on making batches ahead for a while after they were measured.
            Machine.waitUntilIdle()
            outcome.ours.append(try us.measure())
            Machine.waitUntilIdle()
            if let sample = try them?.measure() { outcome.peer.append(sample) }
        }
        return outcome
    }
}

extension Contest {
    /// A new process for each measurement.
    private func runFirst(_ benchmark: Benchmark, _ settings: String) throws -> Outcome {
        var outcome = Outcome()
        func measure(_ command: [String]) throws -> Sample {
            let competitor = try Competitor(command + [settings])
            defer { competitor.stop() }
            Machine.waitUntilIdle()
            return try competitor.measure()
        }
        for _ in 0..<benchmark.rounds {
            outcome.ours.append(try measure(ours))
            guard let peer else { continue }
            do {
                outcome.peer.append(try measure(peer))
            } catch {
                outcome.remarks = ["\(benchmark.name): no peer, \(error)"]
            }
        }
        return outcome
    }
}

/// A process that measures one workload each time it is asked.
final class Competitor {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending = Data()

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts the process and waits until its workload is prepared and warm.
    init(_ command: [String]) throws {
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        _ = try line()
    }

    func measure() throws -> Sample {
        try input.fileHandleForWriting.write(contentsOf: Data("measure\n".utf8))
        return try JSONDecoder().decode(Sample.self, from: line())
    }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private func line() throws -> Data {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(pending[..<end])
                pending = Data(pending[pending.index(after: end)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else {
                process.waitUntilExit()
                throw Failure(
                    description: "\(process.executableURL?.lastPathComponent ?? "it") ended with "
                        + "code \(process.terminationStatus)")
            }
            pending += more
        }
    }
}
