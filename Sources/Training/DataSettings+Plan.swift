import Configuration
public import Data
public import Imaging

extension DataSettings {
    /// Opens the pictures of `path` and `mix`.
    ///
    /// - Parameter options: how; they change no picture.
    /// - Returns: the pictures, those of `mix` behind those of `path`.
    /// - Throws: `DataError` where they are not there, or not those of `fingerprint`.
    public func open(_ options: SourceOptions = SourceOptions()) throws -> any ImageSource {
        var source = try openSource(path, split: split, options: options)
        if !mix.isEmpty {
            let more = try mix.map { part in
                (part.path, try openSource(part.path, split: split, options: options), part.weight)
            }
            source = try MixedSource([(path, source, weight)] + more)
        }
        if let fingerprint, fingerprint != source.fingerprint {
            throw DataError(
                .changed, path, "are not the pictures that the run began with",
                remedy: "bring them back, or go on with `tessera resume --allow-data-change`")
        }
        return source
    }

    /// How the pictures are decoded, for training and evaluation alike.
    ///
    /// - Parameter channels: of the model; others than 1 and 3 are read as they are stored.
    /// - Returns: the decoder.
    public func decoder(channels: Int) -> ImageDecoder {
        var decoder = ImageDecoder()
        decoder.channels = channels == 1 || channels == 3 ? .rgbOrGrey : .stored
        decoder.orientation = orientation
        decoder.scaling = decoding
        decoder.acceptsTruncated = truncated == .kept
        decoder.range = range.map { $0[0]...$0[1] }
        return decoder
    }

    /// Every picture once, in order, as a model is evaluated on it.
    ///
    /// - Parameters:
    ///   - source: the pictures.
    ///   - imageSize: of the model, in pixels.
    ///   - channels: of the model.
    ///   - batchSize: pictures at a time, at most.
    ///   - resize: as in `evaluationPipeline`.
    ///   - interpolation: the same.
    /// - Returns: the plan of one epoch.
    /// - Throws: `DataError` where there are no pictures.
    public func evaluationPlan(
        for source: any ImageSource, imageSize: Int, channels: Int, batchSize: Int,
        resize: Int? = nil, interpolation: Interpolation = .bicubic
    ) throws -> LoaderPlan {
        var plan = LoaderPlan(
            source: source,
            views: [
                evaluationPipeline(
                    imageSize: imageSize, channels: channels, resize: resize,
                    interpolation: interpolation)
            ],
            sampler: try Sampler(
                count: source.count, globalBatchSize: min(batchSize, source.count), seed: 0,
                shuffles: false, dropsLast: false))
        carry(into: &plan, channels)
        return plan
    }

    /// What a run loads.
    ///
    /// - Parameters:
    ///   - source: the pictures.
    ///   - imageSize: of the model, in pixels.
    ///   - channels: of the model.
    ///   - seed: of order and augmentation.
    ///   - views: what a picture goes through where the settings have neither `augment` nor `views`;
    ///     MAE's single view by default.
    /// - Returns: the plan of this process.
    /// - Throws: `ConfigurationError` or `DataError` where settings do not fit one another or the
    ///   pictures.
    public func plan(
        for source: any ImageSource, imageSize: Int, channels: Int, seed: UInt64,
        views: (PixelSize) -> [ImagePipeline] = { [.maskedAutoencoder(size: $0)] }
    ) throws -> LoaderPlan {
        var plan = LoaderPlan(
            source: source,
            views: try pipelines(imageSize: imageSize, channels: channels, otherwise: views),
            sampler: try Sampler(
                order(of: source), of: source.count, globalBatchSize: batchSize, seed: seed))
        carry(into: &plan, channels)
        return plan
    }

    /// What is the same for training and evaluation.
    private func carry(into plan: inout LoaderPlan, _ channels: Int) {
        plan.decoder = decoder(channels: channels)
        plan.onBadFile = onBad
        plan.mostBad = mostBad
        plan.readTimeout = readTimeout.map { .seconds($0) }
    }

    private func order(of source: any ImageSource) throws -> any EpochOrder {
        if weight != nil || mix.contains(where: { $0.weight != nil }) {
            return WeightedGroups(
                source.parts.map { Array($0.range) }, weights: source.parts.map(\.weight),
                of: source.count)
        }
        if repeats > 1 { return RepeatedAugmentation(count: source.count, times: repeats) }
        guard balance > 0 else { return ShuffledOrder(count: source.count) }
        guard source.isLabelled else {
            throw ConfigurationError.invalid(
                "data.balance", found: balance, expected: "0, because the pictures have no labels")
        }
        return WeightedGroups(
            labels: (0..<source.count).map { source.label(at: $0) ?? -1 }, balance: balance)
    }

    /// From a stored picture to the views of training, the first `[channels, imageSize, imageSize]`.
    func pipelines(
        imageSize: Int, channels: Int,
        otherwise given: (PixelSize) -> [ImagePipeline] = { [.maskedAutoencoder(size: $0)] }
    ) throws -> [ImagePipeline] {
        let normalization = normalization(channels: channels)
        var pipelines: [ImagePipeline] = []
        for view in views.isEmpty ? plainViews(imageSize, given) : views {
            var pipeline = ImagePipeline(
                view.steps.map(\.step), channels: channels, normalization: normalization)
            pipeline.stream = view.stream
            try pipeline.validate()
            pipelines += Array(repeating: pipeline, count: view.count)
        }
        guard let size = pipelines[0].size, size == PixelSize(imageSize) else {
            throw ConfigurationError.invalid(
                views.isEmpty ? "data.augment" : "data.views",
                found: "a picture of \(pipelines[0].size ?? 0) pixels in the end",
                expected: "model.imageSize, \(imageSize)")
        }
        return pipelines
    }

    /// The views without a list of them: the one of `augment`, or the given ones.
    private func plainViews(
        _ imageSize: Int, _ given: (PixelSize) -> [ImagePipeline]
    ) -> [ViewSettings] {
        if let augment {
            var single = ViewSettings()
            single.steps = augment
            return [single]
        }
        return given(PixelSize(imageSize)).map { pipeline in
            var view = ViewSettings()
            (view.steps, view.stream) = (pipeline.steps, pipeline.stream)
            return view
        }
    }

    /// The same picture every time, for evaluation: the shorter side resized to `resize`, the
    /// centre cut out.
    ///
    /// - Parameters:
    ///   - imageSize: of the model, in pixels.
    ///   - channels: of the model.
    ///   - resize: nil takes 256/224 of the image size, as is usual, and for pictures below 64
    ///     pixels the size itself.
    ///   - interpolation: of the resize.
    /// - Returns: the pipeline, with the normalisation of training.
    public func evaluationPipeline(
        imageSize: Int, channels: Int, resize: Int? = nil, interpolation: Interpolation = .bicubic
    ) -> ImagePipeline {
        let shorter = resize ?? Self.evaluationShortSide(imageSize: imageSize)
        return ImagePipeline(
            [
                Resize(size: PixelSize(shorter), interpolation: interpolation),
                CenterCrop(size: PixelSize(imageSize)),
            ], channels: channels, normalization: normalization(channels: channels))
    }

    /// What the shorter side of a picture becomes before the centre is cut out for a model: 256/224 of its
    /// size, or the size itself below 64 pixels.
    public static func evaluationShortSide(imageSize: Int) -> Int {
        imageSize < 64 ? imageSize : imageSize * 256 / 224
    }

    /// The configured numbers, or their means where a grey model is given those of RGB.
    private func normalization(channels: Int) -> Normalization {
        func fit(_ values: [Double]) -> [Float] {
            guard channels == 1, values.count > 1 else { return values.map { Float($0) } }
            return [Float(values.reduce(0, +) / Double(values.count))]
        }
        return Normalization(mean: fit(mean), std: fit(std))
    }
}
