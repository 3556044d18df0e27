import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

extension PassOrder {
    /// The order that a release of Pillow resamples in.
    init(pillow version: String) throws {
        let major = try #require(Int(version.prefix { $0 != "." }))
        self = major >= 13 ? .pillow13 : .horizontalFirst
    }
}

func floats(_ config: ParityConfig, _ key: String) throws -> [Float] {
    try config.array(key).map { Float(try $0.double) }
}

/// A rectangle recorded as [top, left, height, width].
func box(_ config: ParityConfig) throws -> CropBox {
    let sides = try config.array.map { try $0.int }
    return CropBox(top: sides[0], left: sides[1], height: sides[2], width: sides[3])
}

/// A recorded picture, `[H, W, C]` bytes.
func picture(_ item: ParityCase, _ name: String) throws -> ImageBuffer {
    let tensor = try item.tensor(name)
    let (height, width, channels) = tensor.shape3
    return ImageBuffer(
        width: width, height: height, channels: channels, pixels: tensor.values(as: UInt8.self))
}

/// Height and width of a recorded picture.
func size(of item: ParityCase, _ name: String) throws -> PixelSize {
    let (height, width, _) = try item.tensor(name).shape3
    return PixelSize(height: height, width: width)
}

/// The shorter side to which StoP's evaluation resizes a picture before it cuts out `side` pixels.
///
/// The reference asks for 24 where it means 224, and resizes to 256 then.
func resizedSide(for side: Int) -> Int { side == 24 ? 256 : side }

/// A picture as `[H, W, C]` bytes.
func tensor(_ image: ImageBuffer) -> Tensor {
    Tensor(image.pixels, shape: [image.height, image.width, image.channels])
}

/// A picture through the loader's own conversion, `[C, H, W]`.
func normalized(_ image: ImageBuffer, _ normalization: Normalization) throws -> Tensor {
    var runner = PipelineRunner(
        ImagePipeline(
            [CenterCrop(size: image.size)], channels: image.channels,
            normalization: normalization))
    var values = [Float](repeating: .nan, count: image.byteCount)
    var random = CounterRandom(seed: 0, purpose: .augmentation)
    try values.withUnsafeMutableBufferPointer {
        try runner.write(PictureWindow(image), random: &random, to: $0)
    }
    return Tensor(values, shape: [image.channels, image.height, image.width])
}

/// A picture after steps that draw nothing that matters.
func run(
    _ image: ImageBuffer, _ steps: [any TransformStep], order: PassOrder = .horizontalFirst
) throws -> ImageBuffer {
    var runner = PipelineRunner(
        ImagePipeline(steps, channels: image.channels, passOrder: order))
    var random = CounterRandom(seed: 0, purpose: .augmentation)
    return try runner.view(of: PictureWindow(image), random: &random)
}

/// A picture after what a step does to its canvas.
func edited(_ image: ImageBuffer, _ body: (inout Canvas) throws -> Void) rethrows -> ImageBuffer {
    var canvas = Canvas(passOrder: .horizontalFirst, channels: image.channels)
    canvas.begin(PictureWindow(image))
    try body(&canvas)
    return canvas.finish { picture, isFlipped in
        var picture = picture
        if isFlipped { picture.flipHorizontally() }
        return picture
    }
}

func changed(_ image: ImageBuffer, _ change: ColorChange) -> ImageBuffer {
    edited(image) { change.apply(to: &$0) }
}
