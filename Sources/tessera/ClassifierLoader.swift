import Checkpoints
import Foundation
import Torch
import Training

/// Finds the classifier that a user names: a fine-tuned run, or a checkpoint of any known family.
enum ClassifierLoader {
    /// The classifier at a path.
    ///
    /// - Parameters:
    ///   - path: the folder of a run, one of its checkpoints, or another's.
    ///   - options: what is known of another's checkpoint.
    /// - Returns: the classifier, in evaluation mode.
    /// - Throws: `UsageError` for a run without a classifier, and what reading it throws.
    static func load(
        _ path: String, _ options: CheckpointLoader.Options
    ) throws -> PretrainedClassifier {
        try LibTorch.load()
        let url = URL(fileURLWithPath: path)
        guard let run = try NamedRun(of: url) else {
            try CheckpointSource(path: path).verify()
            return try PretrainedClassifier.load(file: path, options)
        }
        let folder = run.folder
        guard let method = run.method as? any ClassifyingMethod.Type else {
            throw UsageError(
                "\(folder.path) is a run of \(run.method.name), without a classifier: fine-tune it with "
                    + "`tessera finetune --weights \(path)`, or evaluate the encoder with knn or linear"
            )
        }
        guard options.part == nil, options.heads == nil, !options.allowPartial else {
            throw UsageError(
                "\(path) is a run of ours, which is loaded whole: --part, --allow-partial and heads "
                    + "are for checkpoints of others")
        }
        return try load(
            method, folder, file: run.checkpoint(at: path), prefersAverage: options.prefersAverage)
    }

    private static func load<Method: ClassifyingMethod>(
        _: Method.Type, _ folder: URL, file: URL?, prefersAverage: Bool
    ) throws -> PretrainedClassifier {
        try PretrainedClassifier.load(
            Method.self, run: folder, file: file, prefersAverage: prefersAverage)
    }
}
