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
        let (channels, tables) = (pipeline.channels, normalized)
        canvas.finish { picture, isFlipped in
            picture.writePlanes(
                to: target, channels: channels, isFlipped: isFlipped, tables: tables)
        }
        canvas.erasure?.fill(target, size: canvas.size, channels: pipeline.channels)
    }

    /// Applies the steps and writes `[channels, height, width]` bytes; nothing is erased in them.
    public mutating func write(
        _ picture: PictureWindow, random: inout CounterRandom,
        to target: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        try apply(to: picture, &random)
        let channels = pipeline.channels
        canvas.finish { picture, isFlipped in
            picture.writePlanes(to: target, channels: channels, isFlipped: isFlipped)
        }
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
}
