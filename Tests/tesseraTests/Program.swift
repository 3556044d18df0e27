import Foundation
import Testing

/// The built program, run as a user runs it.
struct Program {
    struct Result {
        let status: Int32
        let wasKilled: Bool
        let output: String
        let errors: String
    }

    /// Beside the test bundle, where `swift build` puts both.
    static let url = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("tessera")

    /// Runs to the end, or kills after a time.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], killAfter: Duration? = nil,
        signal: Int32 = SIGKILL
    ) throws -> Result {
        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(environment) { $1 }
        let folder = try TemporaryFolder()
        let (out, err) = (folder.path("out"), folder.path("err"))
        for path in [out, err] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.standardOutput = FileHandle(forWritingAtPath: out)
        process.standardError = FileHandle(forWritingAtPath: err)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        if let killAfter {
            let deadline = ContinuousClock.now + killAfter
            while process.isRunning, ContinuousClock.now < deadline { usleep(2000) }
            if process.isRunning { kill(process.processIdentifier, signal) }
        }
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            wasKilled: process.terminationReason == .uncaughtSignal,
            output: try String(contentsOfFile: out, encoding: .utf8),
            errors: try String(contentsOfFile: err, encoding: .utf8))
    }
}

// MARK: - Commands

extension Program {
    /// A command without commands below it.
    struct Command {
        /// `["evaluate", "knn"]`.
        let words: [String]
        /// Long names.
        let options: [String]
    }

    /// All commands, as the program itself lists them.
    static func commands() throws -> [Command] {
        struct Help: Decodable { let command: Node }
        struct Node: Decodable {
            let commandName: String
            let subcommands: [Node]?
            let arguments: [Argument]?
        }
        struct Argument: Decodable { let names: [Name]? }
        struct Name: Decodable { let name: String }
        func leaves(_ node: Node, _ words: [String]) -> [Command] {
            let below = (node.subcommands ?? []).filter { $0.commandName != "help" }
            guard below.isEmpty else {
                return below.flatMap { leaves($0, words + [$0.commandName]) }
            }
            let names = (node.arguments ?? []).flatMap { ($0.names ?? []).map(\.name) }
            return [Command(words: words, options: names)]
        }
        let dump = try run(["--experimental-dump-help"]).output
        return leaves(try JSONDecoder().decode(Help.self, from: Data(dump.utf8)).command, [])
    }
}

/// A folder that goes with the last reference to it.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("tessera-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// A small MNIST-like data set: grey squares at places that depend on the class.
enum TinyPictures {
    /// Writes train and test files of 8 × 8 pictures and returns their folder.
    static func write(to folder: TemporaryFolder, count: Int = 96) throws -> String {
        for (prefix, count) in [("train", count), ("t10k", count / 2)] {
            var images: [UInt8] = header([0x0803, count, 8, 8])
            var labels: [UInt8] = header([0x0801, count])
            for index in 0..<count {
                let kind = index % 4
                for row in 0..<8 {
                    for column in 0..<8 {
                        let inside = row / 4 == kind / 2 && column / 4 == kind % 2
                        images.append(
                            UInt8((inside ? 180 : 20) + (index * 7 + row * 3 + column) % 50))
                    }
                }
                labels.append(UInt8(kind))
            }
            try Data(images).write(
                to: folder.url.appendingPathComponent("\(prefix)-images-idx3-ubyte"))
            try Data(labels).write(
                to: folder.url.appendingPathComponent("\(prefix)-labels-idx1-ubyte"))
        }
        return folder.url.path
    }

    private static func header(_ words: [Int]) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    }

    /// Settings of a model that trains in no time, with drop path so that the generator matters.
    static let settings = [
        "model.imageSize=8", "model.patchSize=2", "model.channels=1", "model.width=16",
        "model.depth=2", "model.heads=2", "model.dropPath=0.1", "method.decoderWidth=16",
        "method.decoderDepth=1", "method.decoderHeads=2", "data.batchSize=16",
        "schedule.epochs=10", "schedule.warmupEpochs=1", "run.saveEvery=0.5", "run.logEvery=3",
        "run.device=cpu",
    ]
}
