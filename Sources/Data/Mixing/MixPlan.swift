public import Imaging
public import Torch

/// What is mixed in one batch.
public struct MixPlan: Sendable, Equatable {
    /// How a picture and its partner are put together.
    public enum Mixture: Sendable, Equatable {
        case none
        /// λ x + (1 − λ) x′.
        case blend(Double)
        /// The rectangle of x′ in x.
        case paste(CropBox)
    }

    /// The mixture of each row of the batch.
    public let rows: [Mixture]

    /// One mixture for the batch, for each pair (i, B − 1 − i) or for each row, as `mode` says.
    public init(_ mixtures: [Mixture], mode: Mixing.Mode, count: Int) {
        require(
            count % 2 == 0 || mode == .element, "MixPlan: \(count) pictures are not pairs")
        rows = (0..<count).map { row in
            switch mode {
            case .batch: mixtures[0]
            case .pair: mixtures[min(row, count - 1 - row)]
            case .element: mixtures[row]
            }
        }
    }

    /// Mixed pictures `[B, C, H, W]`, on their device.
    public func images(_ images: Tensor) -> Tensor {
        let (count, _, height, width) = images.shape4
        require(count == rows.count, "MixPlan: \(count) pictures, \(rows.count) rows")
        let size = PixelSize(height: height, width: width)
        let partners = images.flipped(0)
        var result = images
        if rows.contains(where: { $0.blendWeight != nil }) {
            let lambda = column(rows.map { $0.blendWeight ?? 1 }, like: images)
            result = result * lambda + partners * (1 - lambda)
        }
        if rows.contains(where: { $0.box != nil }) {
            let isPasted =
                inside(rows.map { ($0.box?.top, $0.box?.height) }, size.height, images).unsqueezed(
                    3)
                .& inside(rows.map { ($0.box?.left, $0.box?.width) }, size.width, images)
                .unsqueezed(2)
            result = isPasted.select(partners, else: result)
        }
        return result
    }

    /// Soft targets `[B, classCount]` of class numbers `[B]`, on the labels' device.
    public func targets(
        _ labels: Tensor, classCount: Int, smoothing: Double, imageSize: PixelSize
    ) -> Tensor {
        let smooth = labels.smoothedOneHot(classCount: classCount, smoothing: smoothing)
        let lambda = Tensor(
            rows.map { Float($0.lambda(in: imageSize)) }, shape: [rows.count, 1]
        ).sent(to: labels.device)
        return smooth * lambda + smooth.flipped(0) * (1 - lambda)
    }

    /// A number for each row, to be broadcast over pictures.
    private func column(_ values: [Double], like images: Tensor) -> Tensor {
        Tensor(values.map { Float($0) }, shape: [values.count, 1, 1, 1])
            .to(dtype: images.dtype).sent(to: images.device)
    }

    /// Whether each place of an axis lies in the row's span, `[B, 1, side]`.
    ///
    /// Made on the device of the pictures from two numbers a row.
    private func inside(
        _ spans: [(start: Int?, count: Int?)], _ side: Int, _ images: Tensor
    ) -> Tensor {
        func bounds(_ values: [Int]) -> Tensor {
            Tensor(values, shape: [values.count, 1, 1]).sent(to: images.device)
        }
        let places = Tensor.range(0..<side, device: images.device)
        let before = bounds(spans.map { ($0.start ?? 0) - 1 })
        let end = bounds(spans.map { ($0.start ?? 0) + ($0.count ?? 0) })
        return (before .< places) .& (places .< end)
    }
}

extension MixPlan.Mixture {
    fileprivate var blendWeight: Double? {
        if case .blend(let lambda) = self { lambda } else { nil }
    }

    fileprivate var box: CropBox? {
        if case .paste(let box) = self { box } else { nil }
    }

    /// The part of the picture itself in the result.
    public func lambda(in size: PixelSize) -> Double {
        switch self {
        case .none: 1
        case .blend(let lambda): lambda
        case .paste(let box): 1 - Double(box.size.count) / Double(size.count)
        }
    }
}

extension Tensor {
    /// Class numbers `[B]` as rows of probabilities `[B, K]`: 1 − s + s/K at the class, s/K elsewhere.
    public func smoothedOneHot(classCount: Int, smoothing: Double) -> Tensor {
        oneHot(classCount: classCount).to(dtype: .float32) * (1 - smoothing)
            + smoothing / Double(classCount)
    }
}
