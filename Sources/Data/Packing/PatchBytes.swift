public import Imaging
public import Torch

extension ImageBuffer {
    /// The pixels patch by patch, `[rows · columns, p · p · channels]`: patches row by row, inside a
    /// patch row, column, channel.
    ///
    /// What lies beyond the last whole patch is left out.
    public func patchBytes(_ patchSize: Int) -> [UInt8] {
        let (rows, columns) = (height / patchSize, width / patchSize)
        let run = patchSize * channels
        var result: [UInt8] = []
        result.reserveCapacity(rows * columns * patchSize * run)
        withUnsafeBytes { bytes in
            for patch in 0..<rows * columns {
                let (top, left) = (patch / columns * patchSize, patch % columns * patchSize)
                for row in top..<top + patchSize {
                    let start = (row * width + left) * channels
                    result.append(contentsOf: bytes[start..<start + run])
                }
            }
        }
        return result
    }
}

extension Tensor {
    /// Bytes as numbers from −1 to 1, `x / 255 · 2 − 1`, computed in the given type.
    ///
    /// Note: in bfloat16 the result differs from a rounded float32 one; as the reference.
    public func scaledToSymmetricRange(_ dtype: DType) -> Tensor {
        to(dtype: dtype) / 255 * 2 - 1
    }
}
