public import Configuration
public import Data
public import Imaging

/// Which pictures a run sees, and how they become tensors.
public struct DataSettings: Configuration {
    public var path = ""
    public var split = Split.train
    public var weight: Double? = nil
    public var mix: [MixSettings] = []
    public var fingerprint: String? = nil
    public var batchSize = 256
    public var augment: [Transform]? = nil
    public var views: [ViewSettings] = []
    public var mean = [0.485, 0.456, 0.406]
    public var std = [0.229, 0.224, 0.225]
    public var workers: Int? = nil
    public var prefetch = 3
    public var repeats = 1
    public var balance = 0.0
    public var orientation = ImageDecoder.Orientation.ignored
    public var decoding = ImageDecoder.Scaling.exact
    public var range: [Double]? = nil
    public var truncated = TruncatedPictures.bad
    public var onBad = BadFilePolicy.substitute
    public var mostBad = 0.1
    public var readTimeout: Double? = 120

    public init() {}

    public static var documentation: [String: String] {
        [
            "path": "a folder of pictures, tar shards, a list, a pack, IDX or CIFAR files",
            "split": "which part, where the folder has parts",
            "weight":
                "share of these pictures in an epoch beside those of mix; null for their number",
            "mix": "more pictures, each with a path and a weight",
            "fingerprint":
                "which pictures a run has; written by it, and compared when it is resumed",
            "batchSize": "pictures a step, over all processes and accumulated parts",
            "augment":
                "steps from a stored picture to the model's size; null takes the method's: for "
                + "MAE a random resized crop of 0.2 to 1 of the area and a flip",
            "views":
                "several views of a picture, instead of augment; a picture is decoded once for "
                + "all, the first is the model's size",
            "mean":
                "subtracted from each channel, pixels being 0 to 1; one number or one a channel",
            "std": "divides each channel after that",
            "workers": "threads that load; null takes one a core; never changes a result",
            "prefetch": "batches made ahead; never changes a result",
            "repeats": "times that an epoch has every picture it has, each time augmented anew; it "
                + "stays as long and has fewer pictures",
            "balance": "0 takes pictures as they are, 1 all classes equally often, and between "
                + "them the size of a class counts to the power of 1 - balance; needs labels",
            "orientation": "whether pictures are turned as their files say; the references do not",
            "decoding":
                "fast decodes large JPEGs at a half or less of their size where the crops need no "
                + "more: close to exact, not equal to it",
            "range": "values of 16-bit pictures that become black and white; null takes the upper "
                + "byte",
            "truncated":
                "whether a picture whose file ends early is bad, or is kept as far as it is",
            "onBad": "what takes the place of a picture that cannot be read",
            "mostBad":
                "share of the pictures, from 0 to 1, that may be bad before the run ends; fewer than a "
                + "hundred bad pictures never end it",
            "readTimeout": "seconds that reading a picture may take; null for any",
        ]
    }

    public func validate() throws {
        try positive(batchSize, "batchSize")
        try positive(prefetch, "prefetch")
        if let workers { try positive(workers, "workers") }
        try positive(repeats, "repeats")
        guard (0...1).contains(balance) else {
            throw ConfigurationError.invalid(
                "balance", found: balance, expected: "a number from 0 to 1")
        }
        guard (0...1).contains(mostBad) else {
            throw ConfigurationError.invalid(
                "mostBad", found: mostBad, expected: "a share of the pictures, from 0 to 1")
        }
        // As the pictures are divided by them, in fp32.
        for (key, values) in [("mean", mean), ("std", std)]
        where values.isEmpty || !values.allSatisfy({ Float($0).isFinite }) {
            throw ConfigurationError.invalid(
                key, found: values, expected: "one number or one a channel")
        }
        guard std.allSatisfy({ Float($0) > 0 }) else {
            throw ConfigurationError.invalid("std", found: std, expected: "numbers above 0")
        }
        if let readTimeout, readTimeout <= 0 {
            throw ConfigurationError.invalid(
                "readTimeout", found: readTimeout, expected: "a positive number of seconds, or null"
            )
        }
        if repeats > 1, balance > 0 {
            throw ConfigurationError.invalid(
                "repeats", found: repeats, expected: "1, because data.balance is set")
        }
        if let range, range.count != 2 || !(range[0] < range[1]) {
            throw ConfigurationError.invalid(
                "range", found: range, expected: "two numbers, [black, white], or null")
        }
        if let weight, !(weight > 0) {
            throw ConfigurationError.invalid(
                "weight", found: weight, expected: "a positive number, or null")
        }
        if !mix.isEmpty, repeats > 1 || balance > 0 {
            throw ConfigurationError.invalid(
                "mix", found: "\(mix.count) sources beside repeats or balance",
                expected: "none, or repeats=1 and balance=0")
        }
        if augment != nil, !views.isEmpty {
            throw ConfigurationError.invalid(
                "views", found: "given beside augment", expected: "one of the two")
        }
        if let augment { try requireFixedSize(augment, "augment") }
    }
}

/// Throws `ConfigurationError` for steps that do not end in a picture of a size of its own.
private func requireFixedSize(_ steps: [Transform], _ key: String) throws {
    do {
        try ImagePipeline(steps.map(\.step), normalization: .none).validate()
    } catch let error as DataError {
        throw ConfigurationError.refused(key, "\(error.problem), \(error.remedy)")
    }
}

/// What becomes of a picture whose file ends early.
public enum TruncatedPictures: String, Codable, Sendable, CaseIterable {
    /// It is a bad file.
    case bad
    /// What is there is kept; the rest is grey or black.
    case kept
}

/// Pictures that take part in a run beside those of `data.path`.
public struct MixSettings: Configuration {
    public var path = ""
    public var weight: Double? = nil

    public init() {}

    public static var documentation: [String: String] {
        [
            "path": "as data.path",
            "weight": "share of these pictures in an epoch; null for their number",
        ]
    }

    public func validate() throws {
        if path.isEmpty {
            throw ConfigurationError.invalid("path", found: "''", expected: "the path of pictures")
        }
        if let weight, !(weight > 0) {
            throw ConfigurationError.invalid(
                "weight", found: weight, expected: "a positive number, or null")
        }
    }
}

/// One or several views of a picture that are made alike.
public struct ViewSettings: Configuration {
    public var steps: [Transform] = []
    public var count = 1
    public var stream: Int? = nil

    public init() {}

    public static var documentation: [String: String] {
        [
            "steps": "from a stored picture to the view",
            "count": "views that are made so, each with draws of its own",
            "stream": "number of the view whose random draws this one repeats, to cut out and flip "
                + "alike; null for its own",
        ]
    }

    public func validate() throws {
        try requireFixedSize(steps, "steps")
        try positive(count, "count")
        if let stream, stream < 0 {
            throw ConfigurationError.invalid("stream", found: stream, expected: "0 or more")
        }
    }
}
