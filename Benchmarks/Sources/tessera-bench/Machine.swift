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
    let gpu: GPU?

    static func current() -> Machine {
        Machine(
            cpu: TorchSettings.cpuDescription, cores: ProcessInfo.processInfo.activeProcessorCount,
            memory: Int(ProcessInfo.processInfo.physicalMemory),
            hasBFloat16: TorchSettings.cpuHasBFloat16,
            system: ProcessInfo.processInfo.operatingSystemVersionString, gpu: GPU.first())
    }

    /// Waits until the processors do next to nothing, 20 seconds at most.
    static func waitUntilIdle() {
        var before = busyTicks
        for _ in 0..<200 {
            usleep(100_000)
            let now = busyTicks
            // Of some 10 ticks a processor in that time.
            if now - before <= 1 { return }
            before = now
        }
    }

    /// Processor time that was used since the start of the machine, in hundredths of a second.
    private static var busyTicks: Int {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else {
            return 0
        }
        let numbers = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap {
            Int($0)
        }
        // user, nice, system.
        return numbers.prefix(3).reduce(0, +)
    }

    /// How many processes ran or waited for a core, averaged over the last minute.
    static var load: Double {
        var loads = [0.0]
        return getloadavg(&loads, 1) == 1 ? loads[0] : 0
    }

    /// The commit of the sources in a folder, with a + where files differ from it.
    static func commit(of folder: String) -> String {
        func git(_ arguments: String...) -> String? {
            output(of: ["git", "-C", folder] + arguments)
        }
        guard let commit = git("rev-parse", "--short", "HEAD") else { return "unknown" }
        let isChanged = git("status", "--porcelain", "--untracked-files=no") != ""
        return commit + (isChanged ? "+" : "")
    }
}

/// The first CUDA GPU.
struct GPU {
    let name: String

    static func first() -> GPU? {
        output(of: ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
            .flatMap { $0.split(separator: "\n").first }.map { GPU(name: String($0)) }
    }

    /// Dense bf16 matrix products with sums in fp32, in floating-point operations a second, by the
    /// vendor's data sheets; nil for a GPU that is not listed.
    var peak: Double? {
        let sheets: [(name: String, peak: Double)] = [
            ("H100 PCIe", 756e12), ("H100", 989.4e12), ("H200", 989.4e12), ("GH200", 989.4e12),
            ("B200", 2250e12), ("A100", 312e12), ("A30", 165e12), ("A10", 125e12), ("L40S", 362e12),
            ("L4", 121e12),
        ]
        let words = Set(name.split(whereSeparator: { " -".contains($0) }))
        return sheets.first { Set($0.name.split(separator: " ")).isSubset(of: words) }?.peak
    }
}

/// What a command prints; nil where it is not there or fails.
private func output(of command: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
