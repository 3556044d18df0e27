import Checkpoints
import Configuration
import Foundation
import NN
import TensorFiles
import Torch
import Training
import VisionModels

/// Writes the whole state of a run as its method's own code saves it, and reads it back as a check.
enum RunExport {
    /// - Parameters:
    ///   - run: the folder of a run of `method`.
    ///   - method: with code of its own.
    ///   - path: of the file; what is there is replaced once the new one is checked.
    /// - Returns: settings of the encoder that the file does not hold.
    /// - Throws: `UsageError` for something else than a run of the method, `RunFolderError` for one that
    ///   stopped inside an epoch.
    static func write(
        run: String, of method: any ContinuingMethod.Type, to path: String
    ) throws -> [String] {
        try LibTorch.load()
        let found = try methodName(of: run)
        guard found == method.name else {
            throw UsageError(
                "\(run) is \(found.map { "a run of \($0)" } ?? "no folder of a run"): --to "
                    + "\(method.foreignName) writes the whole state of a run of \(method.name); name "
                    + "a checkpoint, such as one of the run's, for an encoder alone")
        }
        return try write(method, URL(fileURLWithPath: run), path)
    }

    /// The method of a run; nil for what is no folder of one.
    static func methodName(of run: String) throws -> String? {
        let config = run + "/config.yaml"
        guard FileManager.default.fileExists(atPath: config) else { return nil }
        return try Recipe(contentsOf: config).text(at: "run.method")
    }

    private static func write<Method: ContinuingMethod>(
        _: Method.Type, _ folder: URL, _ path: String
    ) throws -> [String] {
        let checkpoint = try CheckpointStore.newest(ofRun: folder, reportingDamaged: noteDamaged)
        let (encoder, method, settings) = try PretrainedEncoder.load(
            Method.self, run: folder, file: checkpoint)
        if let broken = method.nonFiniteWeights {
            throw CheckpointError(
                .incomplete,
                "\(checkpoint.path): \(broken) holds numbers that are not finite: the run has diverged, "
                    + "and nothing is written")
        }
        // Their code would read another network, or begin anew in silence.
        var untold: [String] = []
        if let transformer = method.backbone as? VisionTransformer,
            let target = ExportTarget(rawValue: Method.foreignName)
        {
            try target.require(transformer.config)
            untold = target.untold(transformer.config)
        }
        let metrics = try MetricsLog.read(folder.appendingPathComponent("metrics.jsonl"))
        let saved = try SavedRun(encoder.origin, settings, metrics: metrics)
        _ = try CheckedWrite.write(to: path) { draft in
            try PyTorchWriter.write(method.foreignFile(of: saved), to: draft)
            try check(draft, method, saved)
            return [draft]
        }
        return untold
    }

    /// Reads a file as a run to be continued, and compares every weight.
    private static func check(
        _ path: String, _ method: some ContinuingMethod, _ saved: SavedRun
    ) throws {
        let run = try method.foreignRun(in: CheckpointSource(path: path))
        _ = try run.optimizer.states(of: run.parameters)
        for (name, tensor) in method.stateDict {
            guard let record = run.weights[name],
                try Tensor(record).isEqual(to: tensor.detached())
            else {
                throw CheckpointError(
                    .incomplete, "\(path): \(name), read back, is not what was written")
            }
        }
        guard run.epochs == saved.epochs else {
            throw CheckpointError(
                .incomplete, "\(path) says \(run.epochs) epochs, the run has \(saved.epochs)")
        }
    }
}
