import Foundation
import Glibc
import Torch

/// Our side of a benchmark, in a process of its own; the mirror of `peers/worker.py`.
enum Worker {
    /// Prepares the workload, warms it up, then measures it for every line on standard input.
    static func serve(_ json: String) throws {
        let settings = try JSONDecoder().decode(Settings.self, from: Data(json.utf8))
        try LibTorch.load()
        if settings.threads > 0 { TorchSettings.threadCount = settings.threads }
        TorchSettings.useDeterministicAlgorithms(settings.deterministic)
        let device: Device = settings.device == "cpu" ? .cpu : .cuda(0)
        let workload = try workload(settings, device)
        let run = workload.run
        // Twice: the first run takes its memory from the system, the second puts it in order.
        if settings.workload != .checkpoint { for _ in 0..<2 { run() } }
        device.synchronize()
        print(#"{"version": "libtorch \#(LibTorch.loadedVersion)"}"#)
        fflush(nil)
        while readLine() != nil {
            workload.prepare()
            let before = usage()
            let resident = ResidentMemory.startPeak()
            let clock = ContinuousClock()
            let time = clock.measure {
                run()
                device.synchronize()
            }
            let after = usage()
            let sample = Sample(
                seconds: time / .seconds(1),
                processorSeconds: processorSeconds(after) - processorSeconds(before),
                pageFaults: after.ru_minflt - before.ru_minflt,
                // In bytes; Linux counts in kilobytes.
                peakMemory: device.memory?.peak ?? after.ru_maxrss * 1024,
                extraMemory: ResidentMemory.peak().flatMap { peak in resident.map { peak - $0 } })
            print(String(decoding: try JSONEncoder().encode(sample), as: UTF8.self))
            fflush(nil)
        }
    }

    private struct Workload {
        /// Done before each measurement.
        var prepare: () -> Void = {}
        let run: () -> Void
    }

    private static func workload(_ settings: Settings, _ device: Device) throws -> Workload {
        if settings.workload == .load {
            let loading = try Loading(settings)
            return Workload(prepare: loading.catchUp, run: loading.measure)
        }
        return Workload(run: try computation(settings, device))
    }

    private static func computation(
        _ settings: Settings, _ device: Device
    ) throws -> () -> Void {
        switch settings.workload {
        case .add: Operators.add(settings, device)
        case .recordedMultiply: Operators.recordedMultiply(settings, device)
        case .matrixProduct: Operators.matrixProduct(settings, device)
        case .linear: Operators.linear(settings, device)
        case .attention: Operators.attention(settings, device)
        case .vitStep: try TrainingSteps.visionTransformer(settings, device)
        case .maeStep: try TrainingSteps.maskedAutoencoder(settings, device)
        case .jepaStep: try TrainingSteps.jointEmbedding(settings, device)
        case .ibotStep: try TrainingSteps.selfDistillation(settings, device)
        case .neighbors: try Neighbors.classify(settings, device)
        case .readOuts: try ReadOuts.epoch(settings, device)
        case .sweep: try Sweep.features(settings, device)
        case .sweepOfPictures: try Sweep.pictures(settings, device)
        case .checkpoint: Checkpoints.load(settings)
        case .load: fatalError("loading is no computation")
        }
    }

    private static func usage() -> rusage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage
    }

    private static func processorSeconds(_ usage: rusage) -> Double {
        [usage.ru_utime, usage.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
        }
    }
}
