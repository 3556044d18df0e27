import ArgumentParser
import Foundation
import Glibc
import Torch

/// Measures Tessera beside the same work written in PyTorch.
@main struct TesseraBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tessera-bench",
        abstract: "Measure Tessera beside the same work in PyTorch, in the same run.",
        discussion: """
            Both sides take turns in processes of their own, with the same threads, precision and
            sizes; the median of each counts. A ratio above 1 means that ours is better: a higher
            rate, a shorter time, less memory, fewer page faults.
            """)

    @Option(help: "The folder of Tessera's sources and its build.")
    var root = "."

    @Option(help: "A Python with PyTorch and timm; without it ours is measured alone.")
    var python = ""

    @Option(help: "The folder of Fashion-MNIST, for the time to the first training step.")
    var data = ""

    @Option(help: "Threads of one operator, on both sides; 0 for one a core.")
    var threads = 0

    @Option(help: "Only benchmarks whose name holds this text.")
    var only: String?

    @Flag(help: "Smaller batches and fewer rounds: a look, not a result.")
    var quick = false

    @Flag(help: "On a GPU, both sides by sums whose order is fixed.")
    var deterministic = false

    @Flag(help: "Print every measurement to standard error.")
    var verbose = false

    @Option(help: "Where the results go; .build/bench.json under the root by default.")
    var json: String?

    @Option(help: .hidden)
    var worker: String?

    func run() throws {
        if let worker { return try Worker.serve(worker) }
        try LibTorch.load()
        let machine = Machine.current()
        let threads = threads > 0 ? threads : machine.cores
        let scratch = FileManager.default.temporaryDirectory.path + "/tessera-bench-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let suite = Suite(
            machine: machine, threads: threads, quick: quick, deterministic: deterministic,
            scratch: scratch + "/pictures")
        describe(machine, threads)
        var results: [Result] = []
        var remarks: [String] = []
        func add(_ result: Result) {
            print(Table.row(result))
            results.append(result)
        }
        let load = Machine.load
        if load > 0.5 {
            remarks.append(
                "other programs were busy (load \(load) before the start): the times are no result")
        }
        print("\n" + Table.header)
        let loaders = (only ?? "load").contains("load") ? try suite.loaders() : []
        let checkpoints =
            ["checkpoint_vit_l_safetensors_ready", "checkpoint_vit_l_pth_ready"]
                .contains(where: isWanted)
            ? try suite.checkpoints(python: python, peers: root + "/Benchmarks/peers") : []
        for benchmark in suite.cpu + loaders + checkpoints
            + (Device.cudaCount > 0 ? suite.cuda : [])
        where isWanted(benchmark.name) {
            do {
                let outcome = try contest.run(benchmark)
                if verbose { log(outcome) }
                remarks += outcome.remarks
                if let remark = benchmark.remark { remarks.append("\(benchmark.name): \(remark)") }
                Report.results(of: benchmark, outcome).forEach(add)
            } catch {
                remarks.append("\(benchmark.name): not measured, \(error)")
            }
        }
        try startUps(scratch, &remarks).forEach(add)
        for remark in remarks { print("note: \(remark)") }
        try write(results)
    }

    private func startUps(_ scratch: String, _ remarks: inout [String]) throws -> [Result] {
        let startUps = StartUps(root: root, python: python, rounds: quick ? 2 : 5)
        var results: [Result] = []
        if isWanted(startUps.help.name) {
            results.append(try startUps.run(startUps.help))
            if let remark = startUps.help.remark { remarks.append("startup_help: \(remark)") }
        }
        let run = scratch + "/run"
        let first = startUps.firstStep(data: data, scratch: run)
        if isWanted(first.name), !data.isEmpty {
            results.append(
                try startUps.run(first) { try? FileManager.default.removeItem(atPath: run) })
        } else if isWanted(first.name) {
            remarks.append("\(first.name): not measured, --data names no Fashion-MNIST")
        }
        for result in results where result.ours == nil {
            remarks.append("\(result.name): our command failed")
        }
        return results
    }

    private func log(_ outcome: Contest.Outcome) {
        for (side, samples) in [("ours", outcome.ours), ("peer", outcome.peer)] {
            for sample in samples {
                FileHandle.standardError.write(Data("  \(side) \(sample)\n".utf8))
            }
        }
    }

    private func isWanted(_ name: String) -> Bool { only.map { name.contains($0) } ?? true }

    private var contest: Contest {
        let own = CommandLine.arguments[0]
        return Contest(
            ours: [own, "--worker"],
            peer: python.isEmpty ? nil : [python, root + "/Benchmarks/peers/worker.py"])
    }

    private func describe(_ machine: Machine, _ threads: Int) {
        print(
            """
            GPU      \(machine.gpu?.name ?? "none")
            CPU      \(machine.cpu), \(machine.cores) cores, \(threads) threads, \
            bf16 \(machine.hasBFloat16 ? "native" : "emulated")
            memory   \(machine.memory >> 20) MiB
            system   \(machine.system)
            commit   \(Machine.commit(of: root))
            ours     libtorch \(LibTorch.loadedVersion), linear layers by \
            \(TorchSettings.linearUsesOneDNN ? "oneDNN" : "the BLAS")
            peer     \(python.isEmpty ? "none" : python)
            """)
    }

    private func write(_ results: [Result]) throws {
        let path = json ?? root + "/.build/bench.json"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(results).write(to: URL(fileURLWithPath: path), options: .atomic)
        print("\nwritten to \(path); a ratio above 1 means that ours is better")
    }
}
