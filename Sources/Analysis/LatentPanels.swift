public import Data
import Imaging
public import Reports
public import Torch
public import Training
import VisionModels

/// What a report shows of the predictions of I-JEPA and its kin.
public struct LatentPanels {
    /// A picture each with its context and targets, the first target apart.
    public let masks: [PatchMap]
    /// The mean loss of each place.
    public let losses: PatchMap
    private let prediction: LatentPrediction
    private let pictures: [ImageBuffer]

    /// - Parameters:
    ///   - prediction: of a batch.
    ///   - images: of the same batch, `[B, C, H, W]`.
    ///   - normalization: of the images.
    ///   - shown: pictures that are shown; the losses are means over all.
    public init(
        _ prediction: LatentPrediction, of images: Tensor, normalization: Normalization, shown: Int
    ) {
        self.prediction = prediction
        let count = min(shown, prediction.contexts.count)
        pictures = pixelImages(images[..<count], normalization)
        let grid = prediction.grid
        masks = pictures.enumerated().map { index, picture in
            let targets = prediction.targets[index]
            let others = Set(targets.dropFirst().joined()).sorted()
            var map = PatchMap(
                rows: grid.rows, columns: grid.columns,
                layers: [
                    .init(.hidden, Array(0..<grid.count)), .init(.seen, prediction.contexts[index]),
                    .init(.list(2), others), .init(.list(0), targets.first ?? []),
                ],
                summary: "\(prediction.contexts[index].count) of \(grid.count) patches seen, "
                    + "\(targets.count) blocks predicted")
            map.picture = picture
            return map
        }
        losses = Self.losses(prediction)
    }

    private static func losses(_ prediction: LatentPrediction) -> PatchMap {
        let sums: [Float] = prediction.lossSums.values()
        let counts: [Float] = prediction.lossCounts.values()
        let means = zip(sums, counts).map { $1 > 0 ? Double($0 / $1) : nil }
        let known = means.compactMap { $0 }
        let (least, most) = (known.min() ?? 0, known.max() ?? 0)
        var map = PatchMap(
            rows: prediction.grid.rows, columns: prediction.grid.columns, layers: [],
            summary: "mean losses from \(least) to \(most)")
        map.shades = means.map { mean in
            mean.map { most > least ? ($0 - least) / (most - least) : 0 }
        }
        map.details = means.map { mean in mean.map { "\($0)" } ?? "never a target" }
        return map
    }

    /// Each picture beside what the prediction of its first target resembles.
    ///
    /// - Returns: rows of two pictures.
    /// - Throws: `ImageError` if one cannot be encoded.
    public func samples() throws -> [ImageGrid.Sample] {
        let grid = prediction.grid
        return try pictures.enumerated().map { index, picture in
            let map = HeatMap(
                rows: grid.rows, columns: grid.columns,
                values: prediction.similarity[index, 0].values())
            return ImageGrid.Sample(
                caption: "",
                pictures: [
                    try Picture(picture, alternative: "picture"),
                    try Picture(
                        map.overlay(on: picture), alternative: "similarity to the prediction"),
                ])
        }
    }
}
