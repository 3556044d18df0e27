import Foundation

/// One model in a process of its own, whose memory is whole again when it ends.
enum ModelProcess {
    struct End {
        let result: ValidationResult?
        let ranOutOfMemory: Bool
        /// What the process said last.
        let message: String
    }

    static func run(_ arguments: [String]) throws -> End {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // The process says little, on both: neither pipe fills up while the other is read.
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        let said = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let status = process.terminationStatus
        let isKilled = process.terminationReason == .uncaughtSignal
        let last = said.split(separator: "\n").last.map(String.init)
        return End(
            result: status == 0 && !isKilled
                ? try? JSONDecoder().decode(ValidationResult.self, from: printed) : nil,
            // The system ends whoever takes the last of the memory.
            ranOutOfMemory: isKilled
                ? status == SIGKILL : status == ExitStatus.outOfMemory.rawValue,
            message: last
                ?? (isKilled ? "ended by signal \(status)" : "ended with status \(status)"))
    }
}
