import Configuration
import Evaluation
import Imaging

/// What `tessera evaluate validate` can be told beside paths.
struct ValidationSettings: Configuration {
    enum CropMode: String, Codable, Sendable, CaseIterable {
        /// The short side is resized, the middle cut out.
        case center
        /// Both sides are resized, the aspect ratio is lost, the middle cut out.
        case squash
    }

    var batchSize = 256
    var imageSize: Int? = nil
    var cropPercent: Double? = nil
    var cropMode = CropMode.center
    var testPool = false
    var interpolation: Interpolation? = nil
    var mean: [Double]? = nil
    var std: [Double]? = nil
    var precision: FeatureExtractor.Precision? = nil
    var heads: Int? = nil
    var workers: Int? = nil

    init() {}

    static var documentation: [String: String] {
        [
            "batchSize": "pictures at a time",
            "imageSize": "of the pictures in pixels; null takes the model's",
            "cropPercent":
                "side of the crop over the side that a picture is resized to; null takes "
                + "that of a run's own tests, 0.9 for checkpoints of others",
            "cropMode": "which sides are resized: the short one, or both and so the shape",
            "testPool": "mean and maximum over windows of the size of training, for larger "
                + "pictures and classifiers of a mean of patches",
            "interpolation": "how pictures are resized; null takes that of a run's own tests, and "
                + "bicubic for checkpoints of others",
            "mean": "subtracted from each channel; null for those of the model's training",
            "std": "divides each channel after that; null for those of the model's training",
            "precision": "bf16 or fp16 for matrix products; null for fp32",
            "heads": "of attention, where the width does not tell",
            "workers": "threads that load; null takes one a core; never changes a result",
        ]
    }

    func validate() throws {
        for (key, value) in [
            ("batchSize", batchSize), ("imageSize", imageSize ?? 1), ("heads", heads ?? 1),
            ("workers", workers ?? 1),
        ] where value < 1 {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        if let cropPercent, !(cropPercent > 0 && cropPercent <= 1) {
            throw ConfigurationError.invalid(
                "cropPercent", found: cropPercent, expected: "above 0, at most 1")
        }
    }
}
