public import Imaging

/// Runs a pipeline on one thread, with memory that it uses again and again.
public struct PipelineRunner {
    public let pipeline: ImagePipeline
    private var canvas: Canvas
    /// The float of each of the 256 values, channel after channel.
    private let normalized: [Float]

    public init(_ pipeline: ImagePipeline) {
        self.pipeline = pipeline
        canvas = Canvas(passOrder: pipeline.passOrder, channels: pipeline.channels)
        let (mean, std) = (pipeline.normalization.mean, pipeline.normalization.std)
        normalized = (0..<pipeline.channels).flatMap { channel in
            let (m, s) = (mean[min(channel, mean.count - 1)], std[min(channel, std.count - 1)])
            return (0..<256).map { (Float($0) / 255 - m) / s }
        }
    }

    /// Applies the steps; the result has the picture's channels, or 1 where 1 is wanted.
    public mutating func view(
        of picture: PictureWindow, random: inout CounterRandom
    ) throws -> ImageBuffer {
        try apply(to: picture, &random)
        var view = canvas.finish { picture, isFlipped in
            var result = picture
            if isFlipped { result.flipHorizontally() }
            return result
        }
        canvas.erasure?.paint(&view, pipeline.normalization)
        return view
    }

    /// Applies the steps and writes `[channels, height, width]` floats.
    public mutating func write(
        _ picture: PictureWindow, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<Float>
    ) throws {
        try apply(to: picture, &random)
        normalized.withUnsafeBufferPointer { table in
            guard let table = table.baseAddress else { return }
            writePlanes(to: target) { channel, value in table[channel << 8 | Int(value)] }
        }
        canvas.erasure?.fill(target, size: canvas.size, channels: pipeline.channels)
    }

    /// Applies the steps and writes `[channels, height, width]` bytes; nothing is erased in them.
    public mutating func write(
        _ picture: PictureWindow, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        try apply(to: picture, &random)
        writePlanes(to: target) { _, value in value }
    }

    private mutating func apply(to picture: PictureWindow, _ random: inout CounterRandom) throws {
        let stored = picture.pixels.channels
        guard
            stored == pipeline.channels || [stored, pipeline.channels].allSatisfy([1, 3].contains)
        else {
            throw ImageError(
                .unsupported, name: "the picture",
                reason: "has \(stored) channels, the model takes \(pipeline.channels)")
        }
        canvas.begin(picture)
        // Grey pictures stay so until they are written; colour goes first, as `convert("L")` does.
        if pipeline.channels < canvas.channels { canvas.makeGrey() }
        for step in pipeline.steps { try step.step.apply(to: &canvas, random: &random) }
    }

    /// Writes one plane a channel, grey repeated, rows from the right if a flip is left.
    @inline(__always)
    private mutating func writePlanes<Value>(
        to target: UnsafeMutableBufferPointer<Value>, _ value: (Int, UInt8) -> Value
    ) {
        let channels = pipeline.channels
        canvas.finish { picture, isFlipped in
            let (width, height, stored) = (picture.width, picture.height, picture.channels)
            let plane = width * height
            require(
                target.count == plane * channels,
                "PipelineRunner: \(target.count) values for \(width)x\(height)")
            let step = isFlipped ? -stored : stored
            picture.withUnsafeBytes { source in
                guard let source = source.baseAddress, let target = target.baseAddress else {
                    return
                }
                for channel in 0..<channels {
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
}
