public import Torch

/// Pictures with the numbers of their classes, as the evaluations take them.
public struct LabelledBatch {
    /// `[B, C, H, W]`, normalised as the encoder wants them.
    public let images: Tensor

    /// B class numbers.
    public let labels: [Int]

    public init(images: Tensor, labels: [Int]) {
        require(
            images.shape.first == labels.count, "\(labels.count) labels for \(images.summary)")
        self.images = images
        self.labels = labels
    }
}

/// What a frozen encoder says of a set of pictures: one vector each.
public struct Features {
    /// `[N, D]`, fp32.
    public let values: Tensor

    /// N class numbers.
    public let labels: [Int]

    /// The name of each class; empty where they have none.
    public let classNames: [String]

    public init(values: Tensor, labels: [Int], classNames: [String] = []) {
        require(
            values.rank == 2 && values.shape[0] == labels.count,
            "\(labels.count) labels for features \(values.summary)")
        self.values = values
        self.labels = labels
        self.classNames = classNames
    }

    /// N.
    public var count: Int { labels.count }

    /// D.
    public var width: Int { values.shape[1] }

    /// One more than the largest class number, or the number of names if that is more.
    public var classCount: Int { Swift.max((labels.max() ?? -1) + 1, classNames.count) }

    /// The labels as a tensor beside the values.
    var labelTensor: Tensor { Tensor(labels).to(values.device) }
}

/// An evaluation cannot run on what it was given.
public struct EvaluationError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

extension EvaluationError {
    /// Throws unless a set of features is what a classifier can be fitted to or tested on; `part` says
    /// which in the error.
    static func check(_ set: Features, _ part: String) throws {
        guard set.count > 0 else {
            throw EvaluationError(
                "there are no \(part) features; give a data set that has a \(part) part")
        }
        guard set.labels.allSatisfy({ $0 >= 0 }) else {
            throw EvaluationError(
                "a \(part) label is negative: classes are numbered from 0; "
                    + "unlabelled pictures cannot be scored")
        }
        try requireFinite(set.values, "the \(part) features")
    }

    /// Throws unless all numbers of features are finite; `name` says in the error which features.
    package static func requireFinite(_ features: Tensor, _ name: String) throws {
        guard features.isFinite().allTrue else {
            throw EvaluationError(
                "\(name) hold values that are not finite; "
                    + "the encoder's weights are broken or its precision is too low")
        }
    }

    /// Throws unless a classifier can be trained on one set and tested on the other.
    static func check(train: some ProbeFeatures, test: Features) throws {
        try train.validate()
        try check(test, "test")
        guard train.width == test.width else {
            throw EvaluationError(
                "the training features have \(train.width) values, the test features \(test.width);"
                    + " extract both with the same encoder and settings")
        }
    }
}
