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
        /// Whether the average of the weights over the steps of training is taken, where the file has
        /// one beside them: `state_dict_ema`, `model_ema`.
        public var prefersAverage = false
        /// The number of attention heads, where nothing tells it.
        public var heads: Int?
        /// The height and width of the pictures, where not those of training: positions are resized.
        public var imageSize: Int?
        /// Whether such a resize goes by the quotient of the sizes, as loaders for fine-tuning do, also
        /// where the code that trained the encoder adds a tenth of a patch (DINO, iBOT).
        public var fitsPositionsExactly = false
        /// Whether missing and unknown tensors are no error.
        public var allowPartial = false

        public init(
            part: String? = nil, prefersAverage: Bool = false, heads: Int? = nil,
            imageSize: Int? = nil, fitsPositionsExactly: Bool = false, allowPartial: Bool = false
        ) {
            self.part = part
            self.prefersAverage = prefersAverage
            self.heads = heads
            self.imageSize = imageSize
            self.fitsPositionsExactly = fitsPositionsExactly
            self.allowPartial = allowPartial
        }
    }

    /// A model with the weights of a checkpoint, in evaluation mode.
    public struct Loaded {
        public let model: any VisionEncoder
        public let architecture: EncoderArchitecture
        public let family: CheckpointFamily
        /// How the pixels were normalised in training: as settings beside the file say, else as the
        /// family does it.
        public let pixels: PixelStatistics
        public let report: CoverageReport

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

    /// A classifier with the weights of a checkpoint, in evaluation mode.
    public struct LoadedClassifier {
        public let model: any ImageClassifier
        public let family: CheckpointFamily
        /// As for an encoder.
        public let pixels: PixelStatistics
        public let report: CoverageReport
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
        let contents = try EncoderContents(path, options)
        let (architecture, model) = try make(contents, contents.encoder)
        return Loaded(
            model: model, architecture: architecture, family: contents.found.family,
            pixels: contents.pixels, report: try fill(model, contents, architecture))
    }

    /// The encoder of a checkpoint with the classifier that was trained on it.
    ///
    /// - Parameter path: as for `load(_:)`.
    /// - Returns: the classifier, its family, and what became of every tensor.
    /// - Throws: as `load(_:)` does; `CheckpointError` of the kind `noClassifier` where the file has
    ///   none, or one that sees something else than such an encoder gives.
    public func loadClassifier(_ path: String) throws -> LoadedClassifier {
        let contents = try EncoderContents(path, options)
        let head = try ClassifierShape(contents)
        let (architecture, model) = try make(contents) {
            let (architecture, encoder) = try contents.encoder()
            return (architecture, try head.classifier(of: encoder, contents))
        }
        return LoadedClassifier(
            model: model, family: contents.found.family, pixels: contents.pixels,
            report: try fill(model, contents, architecture))
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
        let contents = try EncoderContents(path, options)
        let fit = try ModelFit(
            contents.found, contents.mapped, into: model, file: path, keepsTask: true,
            fitsPositionsExactly: options.fitsPositionsExactly)
        try fit.finish(options)
        return fit.report
    }

    /// What `body` makes; what contradicts itself in the tensors' shapes names the file.
    private func make<Model>(
        _ contents: EncoderContents, _ body: () throws -> (EncoderArchitecture, Model)
    ) throws -> (EncoderArchitecture, Model) {
        do {
            // Starting values cost time; only what may be missing needs them.
            return try options.allowPartial ? body() : Init.leavingOut(body)
        } catch let error as ConfigurationError {
            let found = contents.found
            throw CheckpointError(
                .incomplete,
                "\(contents.path), \(found.family.name) at \(found.set.place): \(error)")
        }
    }

    /// Brings the tensors into a new model, which is for evaluation.
    private func fill(
        _ model: Module, _ contents: EncoderContents, _ architecture: EncoderArchitecture
    ) throws -> CoverageReport {
        var fit = try ModelFit(contents.found, contents.mapped, into: model, file: contents.path)
        if let note = contents.shape.headsNote(architecture) { fit.note(note) }
        try fit.finish(options)
        model.evaluate()
        return fit.report
    }
}
