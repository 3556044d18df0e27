import Foundation
import Glibc
import Torch

/// What the numbers depend on, for the head of the table.
struct Machine {
    let cpu: String
    let cores: Int
    let memory: Int
    /// Whether the CPU multiplies bf16 itself; else libtorch emulates it, slower than fp32.
    let hasBFloat16: Bool
    let system: String

    static func current() -> Machine {
        Machine(
            cpu: TorchSettings.cpuDescription, cores: ProcessInfo.processInfo.activeProcessorCount,
            memory: Int(ProcessInfo.processInfo.physicalMemory),
            hasBFloat16: TorchSettings.cpuHasBFloat16,
            system: ProcessInfo.processInfo.operatingSystemVersionString)
    }

    /// How many processes ran or waited for a core, averaged over the last minute.
    static var load: Double {
        var loads = [0.0]
        return getloadavg(&loads, 1) == 1 ? loads[0] : 0
    }

    /// The commit of the sources in a folder, with a + where files differ from it.
    static func commit(of folder: String) -> String {
        func git(_ arguments: String...) -> String? {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["git", "-C", folder] + arguments
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return nil }
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { return nil }
            return String(decoding: data, as: UTF8.self).trimmingCharacters(
                in: .whitespacesAndNewlines)
        }
        guard let commit = git("rev-parse", "--short", "HEAD") else { return "unknown" }
        let isChanged = git("status", "--porcelain", "--untracked-files=no") != ""
        return commit + (isChanged ? "+" : "")
    }
}
