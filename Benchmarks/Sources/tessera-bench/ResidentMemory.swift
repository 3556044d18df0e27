import Foundation

/// What of this process is in memory, as the kernel counts it: mapped files included.
enum ResidentMemory {
    /// Begins a new peak and gives what is resident now, in bytes; nil where the kernel does not.
    static func startPeak() -> Int? {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs"),
            (try? file.write(contentsOf: Data("5".utf8))) != nil
        else { return nil }
        return bytes("VmRSS:")
    }

    /// The most since then.
    static func peak() -> Int? { bytes("VmHWM:") }

    private static func bytes(_ key: String) -> Int? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) })
        else { return nil }
        // In kilobytes.
        return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
            .map { $0 * 1024 }
    }
}
