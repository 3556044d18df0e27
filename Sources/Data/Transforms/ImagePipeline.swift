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

/// From a decoded picture to one view of it: steps, channels, normalisation.
///
/// A pure function of the picture and a random stream. The result is square, `[channels, side,
/// side]`, as floats `(v / 255 − mean) / std` or as bytes to be normalised on the device.
public struct ImagePipeline: Codable, Sendable, Equatable {
    public var steps: [Transform]
    /// 1 (grey) or 3 (RGB), whatever the pictures have.
    public var channels = 3
    /// One number for all channels or one for each.
    public var normalization = Normalization.imageNet
    public var passOrder = PassOrder.horizontalFirst

    public init(
        _ steps: [Transform], channels: Int = 3, normalization: Normalization = .imageNet,
        passOrder: PassOrder = .horizontalFirst
    ) {
        (self.steps, self.channels) = (steps, channels)
        (self.normalization, self.passOrder) = (normalization, passOrder)
    }

    /// Side of the result, set by the last step that fixes it; nil if none does.
    public var side: Int? {
        var side: Int?
        for step in steps {
            if case .horizontalFlip = step { continue }
            side = step.side
        }
        return side
    }

    /// Throws `DataError` if the steps make no sense or the size of the result is not fixed.
    public func validate() throws {
        func expect(_ condition: Bool, _ key: String, _ found: String, _ expected: String) throws {
            guard !condition else { return }
            throw DataError(.invalidPipeline, key, "is \(found)", remedy: "expected \(expected)")
        }
        for step in steps { try step.check() }
        try expect(
            side != nil, "steps", "\(steps.map(\.name))",
            "a step at the end that makes a square, such as centerCrop")
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

/// Runs a pipeline on one thread, with memory that it uses again and again.
public struct PipelineRunner {
    public let pipeline: ImagePipeline
    private var resampler = Resampler()
    private var current = ImageBuffer()
    private var spare = ImageBuffer()
    /// For each channel the float of each of the 256 values.
    private let normalized: [[Float]]

    public init(_ pipeline: ImagePipeline) {
        self.pipeline = pipeline
        let (mean, std) = (pipeline.normalization.mean, pipeline.normalization.std)
        normalized = (0..<pipeline.channels).map { channel in
            let (m, s) = (mean[min(channel, mean.count - 1)], std[min(channel, std.count - 1)])
            return (0..<256).map { (Float($0) / 255 - m) / s }
        }
    }

    /// Applies the steps; the result has the picture's channels, or 1 where 1 is wanted.
    public mutating func view(
        of picture: ImageBuffer, random: inout CounterRandom
    ) throws -> ImageBuffer {
        try apply(picture, &random)
        return current
    }

    /// Applies the steps and writes `[channels, side, side]` floats.
    public mutating func write(
        _ picture: ImageBuffer, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<Float>
    ) throws {
        try apply(picture, &random)
        require(
            target.count == current.width * current.height * pipeline.channels,
            "PipelineRunner: \(target.count) floats for \(current.width)x\(current.height)")
        let plane = current.width * current.height
        let stride = current.channels
        current.withUnsafeBytes { source in
            for (channel, table) in normalized.enumerated() {
                table.withUnsafeBufferPointer { table in
                    let out = UnsafeMutableBufferPointer(
                        rebasing: target[channel * plane..<(channel + 1) * plane])
                    var next = min(channel, stride - 1)
                    for pixel in 0..<plane {
                        out[pixel] = table[Int(source[next])]
                        next += stride
                    }
                }
            }
        }
    }

    /// Applies the steps and writes `[channels, side, side]` bytes.
    public mutating func write(
        _ picture: ImageBuffer, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        try apply(picture, &random)
        require(
            target.count == current.width * current.height * pipeline.channels,
            "PipelineRunner: \(target.count) bytes for \(current.width)x\(current.height)")
        let plane = current.width * current.height
        let stride = current.channels
        current.withUnsafeBytes { source in
            for channel in 0..<pipeline.channels {
                let out = UnsafeMutableBufferPointer(
                    rebasing: target[channel * plane..<(channel + 1) * plane])
                var next = min(channel, stride - 1)
                for pixel in 0..<plane {
                    out[pixel] = source[next]
                    next += stride
                }
            }
        }
    }

    /// Leaves the result of all steps in `current`.
    private mutating func apply(_ picture: ImageBuffer, _ random: inout CounterRandom) throws {
        // Grey pictures stay so until they are written; colour goes first, as `convert("L")` does.
        let start =
            pipeline.channels < picture.channels ? picture.converted(toChannels: 1) : picture
        var isStart = true
        for step in pipeline.steps {
            if case .horizontalFlip(let flip) = step {
                let flips = (random.uniform() as Double) < flip.probability
                guard flips else { continue }
                if isStart { current = start }
                current.flipHorizontally()
            } else {
                try apply(step, to: isStart ? start : current, &random)
                swap(&current, &spare)
            }
            isStart = false
        }
        if isStart { current = start }
    }

    /// Applies a step that makes a new picture, in `spare`.
    private mutating func apply(
        _ step: Transform, to image: ImageBuffer, _ random: inout CounterRandom
    ) throws {
        switch step {
        case .randomResizedCrop(let crop):
            let box = crop.box(height: image.height, width: image.width, random: &random)
            resampler.resize(
                image, box: box, width: crop.size, height: crop.size,
                interpolation: crop.interpolation, order: pipeline.passOrder, into: &spare)
        case .resize(let resize):
            let size =
                resize.fit == .square
                ? (width: resize.size, height: resize.size)
                : image.sizeWithShortSide(resize.size)
            guard
                size.width.multipliedReportingOverflow(by: size.height).partialValue
                    <= ImageLimits().maxPixels, max(size.width, size.height) < 1 << 31
            else {
                throw ImageError(
                    .tooLarge, name: "\(image.width)x\(image.height) pixels",
                    reason: "would become \(size.width)x\(size.height) pixels")
            }
            resampler.resize(
                image, box: CropBox(of: image), width: size.width, height: size.height,
                interpolation: resize.interpolation, order: pipeline.passOrder, into: &spare)
        case .centerCrop(let crop):
            image.crop(to: image.centerBox(width: crop.size, height: crop.size), into: &spare)
        case .randomCrop(let crop):
            let box = crop.box(height: image.height, width: image.width, random: &random)
            image.crop(to: box, into: &spare)
        case .horizontalFlip: fatalError("PipelineRunner: flips are made in place")
        }
    }
}
