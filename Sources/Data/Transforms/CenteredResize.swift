public import Imaging

/// Resizes the largest square in the middle; filters see what lies around it.
///
/// Differs from cutting first along the two edges where the picture goes on.
public struct CenteredResize: TransformStep {
    public static let name = "centeredResize"
    public static let fields: [StepField<Self>] = [
        .init("size", \.size), .init("interpolation", \.interpolation),
    ]

    public var size: PixelSize = 224
    public var interpolation = Interpolation.bilinear

    public init() {}

    public init(size: PixelSize, interpolation: Interpolation = .bilinear) {
        (self.size, self.interpolation) = (size, interpolation)
    }

    public func check() throws { try expect(size, "size") }

    public func size(after size: PixelSize?) -> PixelSize? { self.size }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        // The whole picture, as dense as the square needs it.
        let side = Self.box(in: size).width
        func needed(_ whole: Int, _ outputs: Int) -> Int { (whole * outputs + side - 1) / side }
        return PictureRegion(
            CropBox(of: size),
            resizedTo: PixelSize(
                height: needed(size.height, self.size.height),
                width: needed(size.width, self.size.width)))
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) throws {
        try canvas.resample(within: Self.box(in: canvas.size), to: size, interpolation)
    }

    /// The largest square, moved by ⌊room / 2⌋.
    public static func box(in size: PixelSize) -> CropBox {
        let side = min(size.height, size.width)
        return CropBox(
            top: (size.height - side) / 2, left: (size.width - side) / 2, height: side, width: side)
    }
}
