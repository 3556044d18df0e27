public import Imaging

/// Runs a pipeline on one thread, with memory that it uses again and again.
public struct PipelineRunner {
    public let pipeline: ImagePipeline
    private var resampler = Resampler()
    /// The picture after the steps so far, but for a flip that is still to be made.
    private var current = ImageBuffer()
    private var isFlipped = false
    private var spare = ImageBuffer()
    /// The float of each of the 256 values, channel after channel.
    private let normalized: [Float]

    public init(_ pipeline: ImagePipeline) {
        self.pipeline = pipeline
        let (mean, std) = (pipeline.normalization.mean, pipeline.normalization.std)
        normalized = (0..<pipeline.channels).flatMap { channel in
            let (m, s) = (mean[min(channel, mean.count - 1)], std[min(channel, std.count - 1)])
            return (0..<256).map { (Float($0) / 255 - m) / s }
        }
    }

    /// Applies the steps; the result has the picture's channels, or 1 where 1 is wanted.
    public mutating func view(
        of picture: ImageBuffer, random: inout CounterRandom
    ) throws -> ImageBuffer {
        try apply(picture, &random)
        makeFlip()
        return current
    }

    /// Applies the steps and writes `[channels, side, side]` floats.
    public mutating func write(
        _ picture: ImageBuffer, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<Float>
    ) throws {
        try apply(picture, &random)
        normalized.withUnsafeBufferPointer { table in
            guard let table = table.baseAddress else { return }
            writePlanes(to: target) { channel, value in table[channel << 8 | Int(value)] }
        }
    }

    /// Applies the steps and writes `[channels, side, side]` bytes.
    public mutating func write(
        _ picture: ImageBuffer, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        try apply(picture, &random)
        writePlanes(to: target) { _, value in value }
    }

    // MARK: Steps

    /// Leaves the result of all steps in `current`, perhaps still to be flipped.
    private mutating func apply(_ picture: ImageBuffer, _ random: inout CounterRandom) throws {
        // Grey pictures stay so until they are written; colour goes first, as `convert("L")` does.
        let start =
            pipeline.channels < picture.channels ? picture.converted(toChannels: 1) : picture
        // The picture itself never becomes `spare`: it is shared, and writing would copy it first.
        var isStart = true
        isFlipped = false
        for step in pipeline.steps {
            if case .horizontalFlip(let flip) = step {
                if (random.uniform() as Double) < flip.probability { isFlipped.toggle() }
                continue
            }
            if isStart, isFlipped {
                current = start
                isStart = false
            }
            makeFlip()
            try apply(step, to: isStart ? start : current, &random)
            swap(&current, &spare)
            isStart = false
        }
        if isStart { current = start }
    }

    /// Flips now; the last flip of a pipeline is left to the writing, which costs nothing.
    private mutating func makeFlip() {
        if isFlipped { current.flipHorizontally() }
        isFlipped = false
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
            let size = try resize.result(for: image)
            resampler.resize(
                image, box: CropBox(of: image), width: size.width, height: size.height,
                interpolation: resize.interpolation, order: pipeline.passOrder, into: &spare)
        case .centerCrop(let crop):
            image.crop(to: image.centerBox(width: crop.size, height: crop.size), into: &spare)
        case .randomCrop(let crop):
            let box = crop.box(height: image.height, width: image.width, random: &random)
            image.crop(to: box, into: &spare)
        case .horizontalFlip: fatalError("PipelineRunner: flips are no steps of their own")
        }
    }

    // MARK: Writing

    /// Writes one plane a channel, grey repeated, rows from the right if a flip is left.
    @inline(__always)
    private func writePlanes<Value>(
        to target: UnsafeMutableBufferPointer<Value>, _ value: (Int, UInt8) -> Value
    ) {
        let (width, height, stored) = (current.width, current.height, current.channels)
        let plane = width * height
        require(
            target.count == plane * pipeline.channels,
            "PipelineRunner: \(target.count) values for \(width)x\(height)")
        let step = isFlipped ? -stored : stored
        current.withUnsafeBytes { source in
            guard let source = source.baseAddress, let target = target.baseAddress else { return }
            for channel in 0..<pipeline.channels {
                var out = target + channel * plane
                for row in 0..<height {
                    let first = row * width + (isFlipped ? width - 1 : 0)
                    var next = source + first * stored + min(channel, stored - 1)
                    for _ in 0..<width {
                        out.pointee = value(channel, next.pointee)
                        out += 1
                        next += step
                    }
                }
            }
        }
    }
}

extension Resize {
    /// Width and height of the result.
    ///
    /// - Throws: `ImageError` if a thin picture would become a huge one.
    func result(for image: ImageBuffer) throws -> (width: Int, height: Int) {
        guard fit == .shortSide else { return (size, size) }
        let result = image.sizeWithShortSide(size)
        let (pixels, overflow) = result.width.multipliedReportingOverflow(by: result.height)
        guard !overflow, pixels <= ImageLimits().maxPixels else {
            throw ImageError(
                .tooLarge, name: "a picture of \(image.width)x\(image.height) pixels",
                reason: "would be resized to \(result.width)x\(result.height)")
        }
        return result
    }
}
