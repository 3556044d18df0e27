import ArgumentParser
import Foundation
import Torch

/// Says what the machine offers and what is missing.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Print what was found on this machine and what is wrong.")

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let facts = Self.facts()
        if json {
            let object = Dictionary(facts.map { ($0.name, $0.value) }) { a, _ in a }
            try JSONLine.write(object)
        } else {
            let width = facts.map(\.name.count).max() ?? 0
            for fact in facts {
                let name = fact.name.padding(toLength: width, withPad: " ", startingAt: 0)
                print("\(fact.isProblem ? "✗" : "✓") \(name)  \(fact.value)")
            }
        }
        if facts.contains(where: \.isProblem) { throw ExitCode(ExitStatus.usage.rawValue) }
    }

    struct Fact {
        let name: String
        let value: String
        var isProblem = false
    }

    static func facts() -> [Fact] {
        var facts = [
            Fact(name: "tessera", value: Version.text),
            Fact(name: "cpu", value: TorchSettings.cpuDescription),
            Fact(name: "cores", value: "\(ProcessInfo.processInfo.activeProcessorCount)"),
            Fact(
                name: "memory",
                value: "\(ProcessInfo.processInfo.physicalMemory / (1 << 30)) GiB"),
        ]
        do {
            try LibTorch.load()
            let version = LibTorch.loadedVersion
            let fits = version.hasPrefix(LibTorch.version)
            facts.append(
                Fact(
                    name: "libtorch",
                    value: "\(version) in \(LibTorch.folder ?? "?")"
                        + (fits ? "" : "; Tessera is tested with \(LibTorch.version)"),
                    isProblem: !fits))
            facts.append(
                Fact(
                    name: "linear layers",
                    value: TorchSettings.linearUsesOneDNN ? "oneDNN" : "BLAS"))
            facts.append(
                Fact(
                    name: "gpu",
                    value: Device.cudaCount > 0 ? "\(Device.cudaCount) CUDA" : gpuAbsence()))
        } catch {
            facts.append(Fact(name: "libtorch", value: "\(error)", isProblem: true))
        }
        let dataset = DefaultDataset.folder
        let hasDataset = FileManager.default.fileExists(atPath: dataset)
        facts.append(
            Fact(
                name: "fashion-mnist",
                value: hasDataset ? dataset : "not at \(dataset): run `make setup`",
                isProblem: !hasDataset))
        return facts
    }

    private static func gpuAbsence() -> String {
        let hasDriver = FileManager.default.fileExists(atPath: "/dev/nvidia0")
        guard hasDriver else { return "none" }
        return "an NVIDIA GPU is there, but this libtorch is built for the CPU: run `make setup` "
            + "again, or set LIBTORCH to a CUDA build"
    }
}

/// The pictures that `make setup` fetches.
enum DefaultDataset {
    /// The folder of Fashion-MNIST's four files.
    static var folder: String { LibTorch.cacheFolder + "/datasets/fashion-mnist" }
}
