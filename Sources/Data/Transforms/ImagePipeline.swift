public import Imaging

/// Mean and standard deviation that pictures are normalised with, one number a channel.
public struct Normalization: Codable, Sendable, Equatable {
    public var mean: [Float]
    public var std: [Float]

    public init(mean: [Float], std: [Float]) { (self.mean, self.std) = (mean, std) }

    /// The statistics of ImageNet that nearly all published encoders use.
    public static let imageNet = Normalization(
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    /// Values stay in 0...1.
    public static let none = Normalization(mean: [0], std: [1])
}

/// From a stored picture to one view of it: steps, channels, normalisation.
///
/// A pure function of the picture and a random stream. The result is `[channels, height, width]`, as
/// floats `(v / 255 − mean) / std` or as bytes to be normalised on the device.
public struct ImagePipeline: Codable, Sendable, Equatable {
    public var steps: [Transform]
    /// 1 (grey) or 3 (RGB), whatever the pictures have.
    public var channels = 3
    /// One number for all channels or one for each.
    public var normalization = Normalization.imageNet
    public var passOrder = PassOrder.horizontalFirst
    /// The number of the view whose random draws this one repeats, so that steps which begin alike
    /// cut out and flip alike; nil for draws of its own.
    public var stream: Int? = nil

    public init(
        _ steps: [any TransformStep], channels: Int = 3, normalization: Normalization = .imageNet,
        passOrder: PassOrder = .horizontalFirst
    ) {
        self.steps = steps.map(Transform.init)
        (self.channels, self.normalization) = (channels, normalization)
        self.passOrder = passOrder
    }

    /// Size of the result; nil if it depends on the picture.
    public var size: PixelSize? {
        steps.reduce(nil) { $1.step.size(after: $0) }
    }

    /// The part of a stored picture that the steps read; nil for all of it.
    func region(of size: PixelSize, random: CounterRandom) -> CropBox? {
        var random = random
        return steps.first?.step.region(of: size, random: &random)?.clipped(to: size)
    }

    /// Throws `DataError` if the steps make no sense or the size of the result is not fixed.
    public func validate() throws {
        func expect(_ condition: Bool, _ key: String, _ found: String, _ expected: String) throws {
            guard !condition else { return }
            throw DataError(.invalidPipeline, key, "is \(found)", remedy: "expected \(expected)")
        }
        for step in steps { try step.step.check() }
        try expect(
            size != nil, "steps", "\(steps.map(\.name))",
            "a step at the end that fixes the size, such as centerCrop")
        try expect(channels == 1 || channels == 3, "channels", "\(channels)", "1 or 3")
        for (key, values) in [("mean", normalization.mean), ("std", normalization.std)] {
            try expect(
                values.count == 1 || values.count == channels, key, "\(values)",
                "one number or \(channels)")
        }
        try expect(
            normalization.std.allSatisfy { $0 > 0 }, "std", "\(normalization.std)",
            "numbers above 0")
    }
}
