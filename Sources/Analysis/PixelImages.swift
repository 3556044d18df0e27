public import Data
public import Imaging
public import Torch

/// Normalised pictures `[B, C, H, W]` as 8-bit ones, C being 1 or 3.
///
/// A pixel is (v · std + mean) · 255, cut to 0…255 and then to a whole number, as the reference's
/// demonstration does.
public func pixelImages(_ images: Tensor, _ normalization: Normalization) -> [ImageBuffer] {
    let (_, channels, height, width) = images.shape4
    func perChannel(_ values: [Float]) -> Tensor {
        Tensor(values.map(Double.init), shape: [values.count, 1, 1])
    }
    // In fp64, as the demonstration has it.
    let values = images.detached().to(.cpu).to(dtype: .float64)
    let pixels =
        ((values * perChannel(normalization.std) + perChannel(normalization.mean)) * 255)
        .clamped(min: 0, max: 255).to(dtype: .uint8)  // [B, C, H, W]
    return pixels.permuted(0, 2, 3, 1).unbound().map { picture in
        ImageBuffer(
            width: width, height: height, channels: channels,
            pixels: picture.values(as: UInt8.self))
    }
}
