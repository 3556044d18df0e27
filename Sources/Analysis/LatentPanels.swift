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
    ///   - predictions: of parts of a batch, at least one; contexts are as long as the shortest of a
    ///     part, so parts should be those of training.
    ///   - images: of the same batch, `[B, C, H, W]`.
    ///   - normalization: of the images.
    ///   - shown: pictures of the first part that are shown; the losses are means over all parts.
    public init(
        _ predictions: [LatentPrediction], of images: Tensor, normalization: Normalization,
        shown: Int
    ) {
        require(!predictions.isEmpty, "no predictions")
        let prediction = predictions[0]
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
        losses = Self.losses(predictions)
    }

    private static func losses(_ predictions: [LatentPrediction]) -> PatchMap {
        let grid = predictions[0].grid
        let sums: [Float] = stacked(predictions.map(\.lossSums)).sum(0).values()
        let counts: [Float] = stacked(predictions.map(\.lossCounts)).sum(0).values()
        let means = zip(sums, counts).map { $1 > 0 ? Double($0 / $1) : nil }
        let known = means.compactMap { $0 }
        let (least, most) = (known.min() ?? 0, known.max() ?? 0)
        var map = PatchMap(
            rows: grid.rows, columns: grid.columns, layers: [],
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
