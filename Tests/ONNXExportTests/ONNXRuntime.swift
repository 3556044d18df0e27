import Foundation
import Testing

/// Python with onnxruntime.
struct ONNXRuntime {
    private let packages: String

    struct Difference {
        let output: String
        /// Of the outputs.
        let largest: Double
        /// The largest number that was expected.
        let scale: Double
    }

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Installs it where it is missing; a machine that cannot has the reason printed and fails.
    static func find() throws -> ONNXRuntime {
        let script = root.appendingPathComponent("scripts/onnx-runtime").path
        let output = try run(["/usr/bin/env", "bash", script], [:])
        return ONNXRuntime(packages: output.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Runs a model on a case (`scripts/check-onnx.py`).
    func differences(model: String, case path: String) throws -> [Difference] {
        let script = Self.root.appendingPathComponent("scripts/check-onnx.py").path
        let output = try Self.run(
            ["/usr/bin/env", "python3", script, model, path], ["PYTHONPATH": packages])
        return try output.split(separator: "\n").map { line in
            let parts = line.split(separator: " ")
            return Difference(
                output: String(parts[0]), largest: try #require(Double(parts[1])),
                scale: try #require(Double(parts[2])))
        }
    }

    private static func run(_ command: [String], _ variables: [String: String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command.joined(separator: " ")) failed")
        return String(decoding: data, as: UTF8.self)
    }
}
