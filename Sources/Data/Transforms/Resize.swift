public import Imaging

/// Resizes to a short side, or to an exact size whatever the shape.
public struct Resize: TransformStep {
    public static let name = "resize"
    public static let fields: [StepField<Self>] = [
        .init("size", \.size), .init("fit", \.fit), .init("interpolation", \.interpolation),
    ]

    /// What `size` is the size of.
    public enum Fit: String, Codable, Sendable, CaseIterable {
        /// The short side; the long one follows, cut to whole pixels.
        case shortSide
        /// The whole picture: the aspect ratio is lost.
        case exact
    }

    public var size: PixelSize = 256
    public var fit = Fit.shortSide
    public var interpolation = Interpolation.bicubic

    public init() {}

    public init(
        size: PixelSize = 256, fit: Fit = .shortSide, interpolation: Interpolation = .bicubic
    ) {
        (self.size, self.fit, self.interpolation) = (size, fit, interpolation)
    }

    public func check() throws {
        try expect(size, "size")
        try expect(
            fit == .exact || size.isSquare, "size", "\(size)",
            "one number, the short side, or `fit: exact`")
    }

    public func size(after size: PixelSize?) -> PixelSize? {
        if fit == .exact { return self.size }
        return size.flatMap { $0.isSquare ? self.size : nil }
    }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        // What is too large throws when the step is made.
        (try? result(for: size)).map { PictureRegion(CropBox(of: size), resizedTo: $0) }
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) throws {
        let size = try result(for: canvas.size)
        try canvas.resample(CropBox(of: canvas.size), to: size, interpolation)
    }

    /// The size that a picture gets.
    ///
    /// - Throws: `ImageError` if a thin picture would become a huge one.
    func result(for size: PixelSize) throws -> PixelSize {
        guard fit == .shortSide else { return self.size }
        let result = size.withShortSide(self.size.height)
        let (pixels, overflow) = result.width.multipliedReportingOverflow(by: result.height)
        guard !overflow, pixels <= ImageLimits().maxPixels else {
            throw ImageError(
                .tooLarge, name: "a picture of \(size.width)x\(size.height) pixels",
                reason: "would be resized to \(result.width)x\(result.height)")
        }
        return result
    }
}
