public import Configuration
public import Data
import Imaging

/// Which pictures a run sees, and how they become tensors.
public struct DataSettings: Configuration {
    public var path = ""
    public var split = Split.train
    public var batchSize = 256
    public var augment: [Transform]? = nil
    public var mean = [0.485, 0.456, 0.406]
    public var std = [0.229, 0.224, 0.225]
    public var workers: Int? = nil
    public var prefetch = 3
    public var onBad = BadFilePolicy.substitute

    public init() {}

    public static var documentation: [String: String] {
        [
            "path": "a folder of pictures, or MNIST-like IDX files",
            "split": "which part, where the folder has parts",
            "batchSize": "pictures a step, over all processes and accumulated parts",
            "augment": "steps from a stored picture to the model's size; null takes a random "
                + "resized crop of 0.2 to 1 of the area and a flip",
            "mean":
                "subtracted from each channel, pixels being 0 to 1; one number or one a channel",
            "std": "divides each channel after that",
            "workers": "threads that load; null takes one a core; never changes a result",
            "prefetch": "batches made ahead; never changes a result",
            "onBad": "what takes the place of a picture that cannot be read",
        ]
    }

    public func validate() throws {
        try positive(batchSize, "batchSize")
        try positive(prefetch, "prefetch")
        if let workers { try positive(workers, "workers") }
    }

    /// From a stored picture to a training view of `[channels, imageSize, imageSize]`.
    ///
    /// - Throws: `ConfigurationError` where the steps end in another size.
    func pipeline(imageSize: Int, channels: Int) throws -> ImagePipeline {
        let steps: [any TransformStep] =
            augment?.map(\.step)
            ?? [RandomResizedCrop(size: PixelSize(imageSize)), HorizontalFlip()]
        let pipeline = ImagePipeline(
            steps, channels: channels, normalization: normalization(channels: channels))
        try pipeline.validate()
        guard let size = pipeline.size, size == PixelSize(imageSize) else {
            throw ConfigurationError.invalid(
                "data.augment", found: "a picture of \(pipeline.size ?? 0) pixels in the end",
                expected: "model.imageSize, \(imageSize)")
        }
        return pipeline
    }

    /// The same picture every time, for evaluation: the shorter side resized to `resize`, the
    /// centre cut out.
    ///
    /// - Parameters:
    ///   - imageSize: of the model, in pixels.
    ///   - channels: of the model.
    ///   - resize: nil takes 256/224 of the image size, as is usual, and for pictures below 64
    ///     pixels the size itself.
    /// - Returns: the pipeline, with the normalisation of training.
    public func evaluationPipeline(imageSize: Int, channels: Int, resize: Int? = nil)
        -> ImagePipeline
    {
        let shorter = resize ?? (imageSize < 64 ? imageSize : imageSize * 256 / 224)
        return ImagePipeline(
            [Resize(size: PixelSize(shorter)), CenterCrop(size: PixelSize(imageSize))],
            channels: channels, normalization: normalization(channels: channels))
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
