import Configuration
import Data
import Evaluation
import Imaging
import Torch
import Training
import VisionModels

/// The labelled pictures of an evaluation, a training and a test part, and the encoder that sees them.
struct EvaluationData {
    private let encoder: PretrainedEncoder
    private let settings: PictureSettings
    private let cache: FeatureCache?
    private let train: any ImageSource
    private let test: any ImageSource
    private let progress: SourceProgress

    /// Opens both parts: what is wrong with the test part must not come up hours later.
    ///
    /// - Parameters:
    ///   - path: pictures with a training and a test part.
    ///   - encoder: on its device.
    ///   - settings: how it is shown them.
    ///   - cache: where features are kept, if anywhere.
    ///   - silent: whether nothing is said about progress and the data.
    /// - Throws: `UsageError` for pictures without labels, or whose parts have different classes;
    ///   `DataError` for what cannot be read.
    init(
        _ path: String, for encoder: PretrainedEncoder,
        _ settings: PictureSettings = PictureSettings(), cache: FeatureCache? = nil, silent: Bool
    ) throws {
        self.encoder = encoder
        self.settings = settings
        self.cache = cache
        progress = SourceProgress(silent: silent)
        train = try Self.open(path, .train, progress)
        test = try Self.open(path, .validation, progress)
        try settings.validate(imageSize: encoder.model.imageSize)
        if let note = try ClassAgreement(train.classNames, test.classNames).note(path) {
            progress.note(note)
        }
    }

    private static func open(_ path: String, _ split: Split, _ progress: SourceProgress) throws
        -> any ImageSource
    {
        let source = try openSource(path, split: split, options: progress.options)
        for note in source.notes { progress.note("\(split.rawValue): \(note)") }
        guard source.isLabelled else {
            throw UsageError(
                "the pictures in \(path) have no labels: an evaluation needs a folder for each class"
            )
        }
        return source
    }

    /// The features of both parts, with labels that mean the same classes in both.
    ///
    /// - Throws: `UsageError` where the pictures are to be cropped anew in every epoch.
    func features(_ config: FeatureExtractor.Config) throws -> (train: Features, test: Features) {
        try features([config])[0]
    }

    /// The same of several kinds, from one pass where they have scales and precision in common.
    func features(_ configs: [FeatureExtractor.Config]) throws
        -> [(train: Features, test: Features)]
    {
        try requireCenter(configs)
        return try zip(
            extract(train, .train, configs), extract(test, .validation, configs)
        ).map { ($0, $1) }
    }

    /// The features of the test part alone.
    func testFeatures(_ configs: [FeatureExtractor.Config]) throws -> [Features] {
        try requireCenter(configs)
        return try extract(test, .validation, configs)
    }

    private func requireCenter(_ configs: [FeatureExtractor.Config]) throws {
        if let config = configs.first(where: { $0.dropPath > 0 }) {
            throw ConfigurationError.invalid(
                "features.dropPath", found: config.dropPath,
                expected: "0 unless a probe is trained with pictures.crops=random",
                advice: "there every epoch draws anew what is dropped")
        }
        guard settings.crops == .center else {
            throw UsageError(
                "pictures.crops=random is for probes that are trained epoch by epoch, linear, sweep, "
                    + "pooled and readout: this protocol needs one feature of each picture")
        }
    }

    /// How many pictures are trained on and tested on.
    var counts: (train: Int, test: Int) { (train.count, test.count) }

    /// What a probe is trained on, and the features that it is tested on.
    func probeFeatures(_ config: FeatureExtractor.Config) throws -> (
        train: any ProbeFeatures, test: Features
    ) {
        guard settings.crops == .random else { return try features(config) }
        let crops = try RandomCrops(
            of: train, for: encoder, FeatureExtractor(encoder.model, config),
            interpolation: settings.cropInterpolation ?? .bicubic, form: settings.cropForm,
            dropPath: config.dropPath, progress)
        return try (crops, extract(test, .validation, [config])[0])
    }

    /// Where a probe of these features is kept while it is trained; nil without a cache.
    ///
    /// - Parameters:
    ///   - features: what it is trained on.
    ///   - settings: its own, of a type that no other probe has.
    /// - Returns: the place in the cache.
    /// - Throws: `ConfigurationError` for features that the encoder does not have.
    func probeStore(_ features: FeatureExtractor.Config, _ settings: some Configuration) throws
        -> ProbeStore?
    {
        guard let cache else { return nil }
        let extractor = try FeatureExtractor(encoder.model, features)
        return try cache.probeStore(
            identity(features, extractor, of: train),
            training: "\(test.fingerprint) \(self.settings) \(features) \(settings)",
            note: progress.note)
    }

    private func identity(
        _ config: FeatureExtractor.Config, _ extractor: FeatureExtractor,
        of source: any ImageSource
    ) -> FeatureIdentity {
        FeatureIdentity(
            encoder, config, width: extractor.width, of: source,
            imageSize: encoder.model.imageSize, resize: settings.resize,
            interpolation: settings.interpolation, batchSize: EvaluationBatches.defaultSize,
            device: extractor.device)
    }

    /// The length of each block's part of a feature, the earliest first.
    func blockWidths(_ config: FeatureExtractor.Config) throws -> [Int] {
        try FeatureExtractor(encoder.model, config).blockWidths
    }

    /// What the tokens of the block that is used are.
    func tokenForm(_ config: FeatureExtractor.Config) throws -> TokenForm {
        var form = TokenForm(encoder.model)
        form.width = try blockWidths(config).last ?? form.width
        return form
    }

    func note(_ text: String) { progress.note(text) }

    /// Says which logistic regressions ended before they were at their optimum.
    func noteUnfinished(_ scores: [Score]) {
        for score in scores where score.protocol == "logistic" && score.metric == "top1" {
            guard case .number(let lambda)? = score.settings["lambda"],
                case .number(let gap)? = score.settings["relativeGap"],
                case .number(let tolerance)? = score.settings["tolerance"], gap > tolerance
            else { continue }
            note(
                "logistic regression with λ = \(lambda) ended at \(gap) of its optimum, not at "
                    + "\(tolerance): give it more of protocol.maxIterations, or a larger λ")
        }
    }

    func sayEpoch(_ done: Int, of epochs: Int) {
        progress.update("epoch \(done)/\(epochs)", isLast: done == epochs)
    }

    private func extract(
        _ source: any ImageSource, _ split: Split, _ configs: [FeatureExtractor.Config]
    ) throws -> [Features] {
        let extractors = try configs.map { try FeatureExtractor(encoder.model, $0) }
        let identities = zip(configs, extractors).map { config, extractor in
            cache.map { _ in identity(config, extractor, of: source) }
        }
        var found = try identities.map { try kept($0, source, split, extractors[0].device) }
        // What one pass can make together is made together.
        let passes = Dictionary(grouping: found.indices.filter { found[$0] == nil }) {
            "\(configs[$0].scales) \(configs[$0].precision?.rawValue ?? "")"
        }
        for pass in passes.values.sorted(by: { $0[0] < $1[0] }) {
            let made = try extract(source, split, pass.map { extractors[$0] })
            for (index, features) in zip(pass, made) {
                found[index] = features
                // With a picture back again there would be more.
                if let cache, let identity = identities[index], features.count == source.count {
                    try cache.write(features, identity)
                }
            }
        }
        return found.compactMap { $0 }
    }

    /// Features that were made before, where there is a cache that has them.
    private func kept(
        _ identity: FeatureIdentity?, _ source: any ImageSource, _ split: Split, _ device: Device
    ) throws -> Features? {
        guard let cache, let identity,
            let kept = try cache.read(identity, of: source, on: device)
        else { return nil }
        progress.note("features of \(split.rawValue): from \(try cache.path(of: identity))")
        return kept
    }

    private func extract(
        _ source: any ImageSource, _ split: Split, _ extractors: [FeatureExtractor]
    ) throws -> [Features] {
        let batches = try EvaluationBatches(
            source, data: encoder.data, model: encoder.model, resize: settings.resize,
            interpolation: settings.interpolation)
        let features = FeatureForms(extractors).extract(batches, classNames: source.classNames) {
            done in
            progress.update(
                "features of \(split.rawValue): \(done)/\(source.count)",
                isLast: done == source.count)
        }
        if let error = batches.error { throw error }
        if let note = batches.unread.note(of: source.count, split.rawValue) { progress.note(note) }
        return features
    }
}

/// Every picture of a source once, in order, as the encoder is evaluated on it; those that cannot be read
/// are left out.
final class EvaluationBatches: Sequence, IteratorProtocol {
    static let defaultSize = 256
    private let loader: Loader
    let unread: UnreadPictures
    /// What ended the sequence early.
    private(set) var error: (any Error)?

    init(
        _ source: any ImageSource, data: DataSettings, model: any VisionEncoder,
        resize: Int? = nil, interpolation: Interpolation = .bicubic,
        batchSize: Int = defaultSize
    ) throws {
        let unread = UnreadPictures()
        self.unread = unread
        loader = try Loader(
            data.evaluationPlan(
                for: source, imageSize: model.imageSize, channels: model.channels,
                batchSize: batchSize, resize: resize, interpolation: interpolation
            ).skippingBadFiles(), epochs: 1, report: unread.add)
    }

    func next() -> LabelledBatch? {
        do {
            while let batch = try loader.next() {
                guard batch.count > 0 else { continue }
                return LabelledBatch(images: batch.tensor(), labels: batch.labels)
            }
            return nil
        } catch {
            self.error = error
            return nil
        }
    }
}
