package import NN
import TensorFiles
import VisionModels

/// The tensors of a model that is more, or something else, than an encoder of features, such as a
/// tokenizer: found as encoders are, and accounted for as theirs are.
///
/// Who knows such a model makes it of `shapes` and gives it to `fill`.
package struct WholeModel {
    package let family: CheckpointFamily
    /// Of the tensors, by the names in the file without what stands before all of them.
    package let shapes: [String: [Int]]
    private let found: FoundEncoder
    private let mapped: [MappedTensor]
    private let path: String
    private let options: CheckpointLoader.Options

    /// - Parameters:
    ///   - path: of a file, an index of shards, or a folder.
    ///   - options: what the user says of it.
    ///   - encoderPlaces: by the names of families, where in the whole model the encoder is, such as
    ///     `encoder.`; of others the encoder is the whole.
    /// - Throws: `TensorFileError` for a file that cannot be read, `CheckpointError` for one without a
    ///   known family.
    package init(
        _ path: String, _ options: CheckpointLoader.Options, encoderPlaces: [String: String] = [:]
    ) throws {
        let source = try CheckpointSource(path: path)
        let encoder = try FoundEncoder.choose(
            options.part, prefersAverage: options.prefersAverage, in: source)
        var set = encoder.set
        let part = source.parts.first { $0.name == set.part && $0.kind == .weights }
        if let place = encoderPlaces[encoder.family.name], set.prefix.hasSuffix(place), let part {
            set = TensorSet(part, prefix: String(set.prefix.dropLast(place.count)))
        }
        try set.requireHonestClaims(in: path)
        found = FoundEncoder(family: encoder.family, set: set)
        mapped = encoder.family.names.apply(set.tensors)
        family = encoder.family
        shapes = Dictionary(mapped.map { ($0.name, $0.shape) }) { first, _ in first }
        self.path = path
        self.options = options
    }

    /// Copies the tensors into a model, which is for evaluation then.
    ///
    /// - Returns: what became of every tensor.
    /// - Throws: `CheckpointError` with the report where not all of the model is there, unless
    ///   `allowPartial`.
    package func fill(_ model: Module) throws -> CoverageReport {
        let fit = try ModelFit(found, mapped, into: model, file: path)
        try fit.finish(options)
        model.evaluate()
        return fit.report
    }
}
