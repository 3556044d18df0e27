import Configuration
public import NN
import TensorFiles
import Torch
public import VisionModels

/// Loads the encoder of a checkpoint that anybody wrote.
///
/// 1. open the file, the shards, the folder: `CheckpointSource`
/// 2. find the encoder and its family by names and shapes: `FoundEncoder`
/// 3. give its tensors Tessera's names and forms: `NameMap`
/// 4. make the model that they are of, or take the given one: `EncoderArchitecture`
/// 5. fit what depends on the size of the picture, copy, and account for every tensor:
///    `ModelFit`, `CoverageReport`
///
/// Nothing in a file is executed. Less than the whole encoder is an error that holds the report,
/// unless `Options.allowPartial`.
public struct CheckpointLoader {
    /// What a user can say about a checkpoint.
    public struct Options: Sendable {
        /// Which encoder, where the file has several: a word of its place, such as `student`.
        public var part: String?
        /// The number of attention heads, where nothing tells it.
        public var heads: Int?
        /// The height and width of the pictures, where not those of training: positions are resized.
        public var imageSize: Int?
        /// Whether missing and unknown tensors are no error.
        public var allowPartial = false

        public init(
            part: String? = nil, heads: Int? = nil, imageSize: Int? = nil,
            allowPartial: Bool = false
        ) {
            self.part = part
            self.heads = heads
            self.imageSize = imageSize
            self.allowPartial = allowPartial
        }
    }

    /// A model with the weights of a checkpoint, in evaluation mode.
    public struct Loaded {
        public let model: any VisionEncoder
        public let architecture: EncoderArchitecture
        public let family: CheckpointFamily
        public let report: CoverageReport
        /// How the pixels were normalised in training, as the family does it.
        public var pixels: PixelStatistics { family.pixels }

        /// The model, where it is a vision transformer; an error that names the file where not.
        public func visionTransformer() throws -> VisionTransformer {
            guard let transformer = model as? VisionTransformer else {
                throw CheckpointError(
                    .noModel,
                    "\(report.file) holds an encoder of the family \(family.name), which is no "
                        + "vision transformer: here one is needed")
            }
            return transformer
        }
    }

    public let options: Options

    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// The encoder of a checkpoint.
    ///
    /// - Parameter path: of a file, an index of shards, or a folder that holds either.
    /// - Returns: the model, its family, and what became of every tensor.
    /// - Throws: `TensorFileError` for a file that cannot be read, `CheckpointError` for one without a
    ///   known encoder or with half of one, `ConfigurationError` for contradictory shapes.
    public func load(_ path: String) throws -> Loaded {
        let source = try CheckpointSource(path: path)
        let found = try FoundEncoder.choose(options.part, in: source)
        let mapped = found.family.names.apply(found.set.tensors)
        let shape = EncoderShape(
            // Some write the registers of a model that has none as an empty tensor.
            shapes: Dictionary(
                mapped.filter { !$0.shape.contains(0) }.map { ($0.name, $0.shape) }
            ) { first, _ in first },
            settings: source.settings, heads: options.heads,
            positionResize: found.family.positionResize, biasResize: found.family.biasResize)
        let (architecture, model) = try make(shape, found, path)
        var fit = try ModelFit(found, mapped, into: model, file: path)
        if let note = shape.headsNote(architecture) { fit.note(note) }
        try finish(fit, path)
        model.evaluate()
        return Loaded(
            model: model, architecture: architecture, family: found.family, report: fit.report)
    }

    /// Fills a model that exists, such as one to be fine-tuned: its head and `fc_norm` keep their
    /// values where the checkpoint has none.
    ///
    /// - Parameters:
    ///   - model: of the checkpoint's architecture; it may be made for another size of picture.
    ///   - path: of a file, an index of shards, or a folder.
    /// - Returns: what became of every tensor.
    /// - Throws: as `load(_:)` does; then the model is unchanged.
    @discardableResult
    public func load(into model: Module, from path: String) throws -> CoverageReport {
        let source = try CheckpointSource(path: path)
        let found = try FoundEncoder.choose(options.part, in: source)
        let mapped = found.family.names.apply(found.set.tensors)
        let fit = try ModelFit(found, mapped, into: model, file: path, keepsTask: true)
        try finish(fit, path)
        return fit.report
    }

    /// The model that the tensors are of; what contradicts itself in their shapes names the file.
    private func make(
        _ shape: EncoderShape, _ found: FoundEncoder, _ path: String
    ) throws -> (EncoderArchitecture, any VisionEncoder) {
        do {
            var architecture = try found.family.architecture(shape)
            if let size = options.imageSize { architecture = architecture.resized(to: size) }
            // Starting values cost time; only what may be missing needs them.
            guard !options.allowPartial else { return (architecture, try architecture.make()) }
            return (architecture, try Init.leavingOut { try architecture.make() })
        } catch let error as ConfigurationError {
            throw CheckpointError(
                .incomplete, "\(path), \(found.family.name) at \(found.set.place): \(error)")
        }
    }

    private func finish(_ fit: ModelFit, _ path: String) throws {
        guard fit.report.isComplete || options.allowPartial else {
            throw CheckpointError(
                .incomplete,
                "\(fit.report)\nnot all of the encoder can be loaded; --allow-partial goes on "
                    + "without the rest, which keeps its random initial values",
                report: fit.report)
        }
        try fit.copy()
    }
}
