public import Imaging

/// Resizes the whole picture to a random size whose sides are multiples of a patch.
///
/// The only augmentation of featurenorm: pictures keep their shape, up to the rounding. Results
/// differ in size, so they go to a packer of patches, not into one batch.
public struct RandomResize: TransformStep {
    public static let name = "randomResize"
    public static let fields: [StepField<Self>] = [
        .init("minSide", \.minSide), .init("maxSide", \.maxSide), .init("multiple", \.multiple),
        .init("maxPixels", \.maxPixels), .init("interpolation", \.interpolation),
    ]

    /// Least and greatest mean of width and height.
    public var minSide = 64
    public var maxSide = 256
    /// What the sides are multiples of; they are at least two of it.
    public var multiple = 32
    /// The most pixels, before the sides are rounded.
    public var maxPixels = 65536
    public var interpolation = Interpolation.bilinear

    public init() {}

    public init(minSide: Int, maxSide: Int, multiple: Int, maxPixels: Int) {
        (self.minSide, self.maxSide) = (minSide, maxSide)
        (self.multiple, self.maxPixels) = (multiple, maxPixels)
    }

    public func check() throws {
        try expect(multiple > 0, "multiple", "\(multiple)", "a number above 0")
        try expect(
            minSide > 0 && minSide <= maxSide, "minSide", "\(minSide)",
            "a number from 1 to maxSide, \(maxSide)")
        try expect(maxPixels > 0, "maxPixels", "\(maxPixels)", "a number above 0")
    }

    public func size(after size: PixelSize?) -> PixelSize? { nil }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        PictureRegion(CropBox(of: size), resizedTo: drawSize(for: size, random: &random))
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) throws {
        let size = drawSize(for: canvas.size, random: &random)
        try canvas.resample(CropBox(of: canvas.size), to: size, interpolation)
    }

    /// Draws the size that a picture gets.
    public func drawSize(for size: PixelSize, random: inout CounterRandom) -> PixelSize {
        let range = sides(for: size)
        return self.size(
            for: size, side: range.count == 1 ? minSide : random.integer(in: Range(range)))
    }

    /// Whether a picture is large enough to be used.
    public func admits(_ size: PixelSize) -> Bool { (size.height + size.width) / 2 >= minSide }

    /// The means of width and height that are drawn from.
    func sides(for size: PixelSize) -> ClosedRange<Int> {
        let mean = Int((Double(size.height + size.width) / 2).rounded(.toNearestOrEven))
        return minSide...max(minSide, min(mean, maxSide))
    }

    /// The size of a picture for a drawn mean of width and height.
    func size(for size: PixelSize, side: Int) -> PixelSize {
        let factor = Double(side) / (Double(size.height + size.width) / 2)
        var exact = (height: Double(size.height) * factor, width: Double(size.width) * factor)
        let product = exact.height * exact.width
        if product > Double(maxPixels) {
            let shrink = (Double(maxPixels) / product).squareRoot()
            exact = (
                (exact.height * shrink).rounded(.towardZero),
                (exact.width * shrink).rounded(.towardZero)
            )
        }
        func rounded(_ side: Double) -> Int {
            let whole = Int((side / Double(multiple)).rounded(.toNearestOrEven)) * multiple
            return min(max(whole, multiple), maxSide)
        }
        var result = PixelSize(height: rounded(exact.height), width: rounded(exact.width))
        while min(result.height, result.width) / multiple < 2 {
            result.height += multiple
            result.width += multiple
        }
        return result
    }
}
