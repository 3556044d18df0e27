public import Imaging

/// Mean and standard deviation that pictures are normalised with, one number a channel.
public struct Normalization: Codable, Sendable, Equatable {
    public var mean: [Float]
    public var std: [Float]

    public init(mean: [Float], std: [Float]) { (self.mean, self.std) = (mean, std) }

    /// The statistics of ImageNet that nearly all published encoders use.
    public static let imageNet = Normalization(
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    /// Values in −1...1: Inception, BEiT and many encoders without ImageNet's statistics.
    public static let inception = Normalization(mean: [0.5], std: [0.5])
    /// The statistics of CLIP's encoders.
    public static let clip = Normalization(
        mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])
    /// 0.8 x + 0.1, what DALL-E's tokenizer reads (`map_pixels`).
    public static let dalle = Normalization(mean: [-0.125], std: [1.25])
    /// Values stay in 0...1.
    public static let none = Normalization(mean: [0], std: [1])
}

/// From a stored picture to one view of it: steps, channels, normalisation.
///
/// A pure function of the picture and a random stream. The result is `[channels, height, width]`, as
/// floats `(v / 255 − mean) / std` or as bytes to be normalised on the device.
public struct ImagePipeline: Codable, Sendable, Equatable {
    public var steps: [Transform]
    /// 1 (grey) or 3 (RGB), whatever the pictures have; any other number is that of the pictures.
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

    /// Whether a step changes the picture after its normalisation, so that bytes cannot hold it.
    public var needsFloats: Bool { steps.contains { $0.step is RandomErasing } }

    /// The part of a stored picture that the steps read, and what it is resized to; nil for all of it.
    func region(of size: PixelSize, random: CounterRandom) -> PictureRegion? {
        var random = random
        return steps.first?.step.region(of: size, random: &random)?.clipped(to: size)
    }

    /// Throws `DataError` if the steps make no sense, the size of the result is not fixed, or the
    /// values cannot hold the result; its place is the setting of a run that says so.
    public func validate(element: HostBatch.Element = .float32) throws {
        func expect(_ condition: Bool, _ key: String, _ found: String, _ expected: String) throws {
            guard !condition else { return }
            throw DataError(.invalidPipeline, key, "is \(found)", remedy: "expected \(expected)")
        }
        for step in steps { try step.step.check() }
        let stepsKey = "data.augment or data.views"
        let erasing = steps.firstIndex { $0.step is RandomErasing }
        try expect(
            erasing == nil || erasing == steps.count - 1, stepsKey, "\(steps.map(\.name))",
            "randomErasing at the end: it fills the normalised result")
        try expect(
            erasing == nil || element == .float32, stepsKey, "randomErasing in batches of bytes",
            "batches of floats: what it fills with is no byte")
        try expect(
            size != nil, stepsKey, "\(steps.map(\.name))",
            "a step at the end that fixes the size, such as centerCrop")
        try expect((1...1024).contains(channels), "model.channels", "\(channels)", "1 to 1024")
        let colorSteps = steps.filter { $0.step.changesColor }.map(\.name)
        try expect(
            channels == 1 || channels == 3 || colorSteps.isEmpty, stepsKey, "\(colorSteps)",
            "none that changes colours, for pictures with \(channels) channels")
        for (key, values) in [
            ("data.mean", normalization.mean), ("data.std", normalization.std),
        ] {
            try expect(
                values.count == 1 || values.count == channels, key, "\(values)",
                "one number or \(channels)")
        }
        try expect(
            normalization.std.allSatisfy { $0 > 0 }, "data.std", "\(normalization.std)",
            "numbers above 0")
    }
}
