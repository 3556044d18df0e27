import Configuration
import Evaluation

/// What `tessera embed` can be told beside paths.
struct EmbeddingSettings: Configuration {
    var features = FeatureExtractor.Config()
    var batchSize = 64
    var imageSize: Int? = nil
    var workers: Int? = nil
    var saveEvery = 10.0

    init() {}

    static var documentation: [String: String] {
        [
            "features": "what of the encoder's tokens is used",
            "batchSize": "pictures at a time; the last bits of a feature may depend on it",
            "imageSize": "of the pictures in pixels; null takes the encoder's",
            "workers": "threads that load; null takes one a core; never changes a result",
            "saveEvery": "seconds after which what is done is safe from a kill",
        ]
    }

    func validate() throws {
        for (key, value) in [("batchSize", batchSize), ("imageSize", imageSize ?? 1)] {
            guard value > 0 else {
                throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
            }
        }
        if let workers, workers < 1 {
            throw ConfigurationError.invalid(
                "workers", found: workers, expected: "a positive number, or null")
        }
        guard features.dropPath == 0 else {
            throw ConfigurationError.invalid(
                "features.dropPath", found: features.dropPath,
                expected: "0: features that are kept are those of the whole encoder")
        }
        guard saveEvery >= 0 else {
            throw ConfigurationError.invalid(
                "saveEvery", found: saveEvery, expected: "0 or more seconds")
        }
    }
}
