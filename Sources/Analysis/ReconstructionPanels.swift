public import Data
public import Imaging
import Torch
public import Training

/// What a method sees of pictures and makes of them, side by side.
///
/// With mask m, picture x and prediction x̂: the original x, the masked x (1 − m), the
/// reconstruction x̂, and the picture completed by it, x (1 − m) + x̂ m. Where a patch
/// was removed the masked picture shows the mean grey, which is zero after normalisation.
public struct ReconstructionPanels {
    /// One picture of each kind, for each sample.
    public let samples: [[(name: String, image: ImageBuffer)]]

    public static let names = [
        "original", "masked", "reconstruction", "completed",
    ]

    public init(_ reconstruction: Reconstruction, normalization: Normalization) {
        let (x, predicted, mask) = (
            reconstruction.original, reconstruction.predicted, reconstruction.mask
        )
        let visible = x * (1 - mask)
        let kinds = [x, visible, predicted, visible + predicted * mask]
            .map { pixelImages($0.detached(), normalization) }
        samples = (0..<x.shape[0]).map { sample in
            zip(Self.names, kinds).map { (name: $0, image: $1[sample]) }
        }
    }
}
