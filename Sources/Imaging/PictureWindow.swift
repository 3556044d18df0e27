/// A part of a picture in memory.
///
/// Loaders decode no more of a picture than its crops need, and no more pixels than they need where
/// that is allowed; steps see the picture as if it were there whole.
public struct PictureWindow: Sendable {
    /// The decoded pixels, those of `box`.
    public var pixels: ImageBuffer
    /// Which part of the picture, or of the smaller one that was decoded, the pixels are.
    public private(set) var box: CropBox
    /// The part that is as if all were decoded; pixels beside it may differ.
    public private(set) var exact: CropBox
    /// The whole picture's size.
    public private(set) var size: PixelSize
    /// The size at which the picture was decoded, in eighths of its own: 8, or less if that is fast.
    public private(set) var eighths = 8

    public init(_ pixels: ImageBuffer = ImageBuffer()) {
        (self.pixels, size) = (pixels, pixels.size)
        box = CropBox(of: pixels.size)
        exact = box
    }

    /// Says which part of a picture `pixels` holds.
    mutating func hold(_ box: CropBox, exact: CropBox, of size: PixelSize, eighths: Int = 8) {
        (self.box, self.exact, self.size, self.eighths) = (box, exact, size, eighths)
    }

    public var height: Int { size.height }
    public var width: Int { size.width }
    /// Whether all of the picture is there, in its own size.
    public var isWhole: Bool { eighths == 8 && exact == CropBox(of: size) }

    /// The pixels of the whole picture; stops if only a part is decoded, or a smaller picture.
    public var wholePixels: ImageBuffer {
        require(
            isWhole,
            "PictureWindow: all of a picture is needed, and \(box) of \(eighths)/8 of it is decoded"
        )
        return pixels
    }

    /// The same part with other pixels, as many.
    public func mapping(_ change: (ImageBuffer) -> ImageBuffer) -> PictureWindow {
        var result = self
        result.pixels = change(pixels)
        require(result.pixels.size == pixels.size, "PictureWindow: the size must stay")
        return result
    }

    /// Where a rectangle of the picture is among the decoded pixels.
    ///
    /// Stops if a pixel of it that exists was not decoded, or the picture is a smaller one.
    public func located(_ rectangle: CropBox) -> CropBox {
        require(eighths == 8, "PictureWindow: pixels are needed, and \(eighths)/8 are decoded")
        if let inside = rectangle.clipped(to: size) {
            require(
                exact.contains(inside), "PictureWindow: \(rectangle) reaches beyond what is decoded"
            )
        }
        return CropBox(
            top: rectangle.top - box.top, left: rectangle.left - box.left,
            height: rectangle.height, width: rectangle.width)
    }

    /// Where a rectangle within the picture is among the decoded pixels, in fractions of them.
    ///
    /// - Parameter rectangle: of the picture in its own size.
    /// - Returns: the pixels that hold it, and which part of their columns and rows it is.
    func spans(_ rectangle: CropBox) -> (box: CropBox, columns: SampledSpan, rows: SampledSpan) {
        require(
            rectangle.fits(size),
            "PictureWindow: \(rectangle) does not lie in a picture of \(size.width)x\(size.height)")
        let around = rectangle.scaled(toEighths: eighths)
        require(
            exact.contains(around), "PictureWindow: \(rectangle) reaches beyond what is decoded")
        func span(_ start: Int, _ length: Int, _ first: Int) -> SampledSpan {
            SampledSpan(
                start: Double(start * eighths) / 8 - Double(first),
                end: Double((start + length) * eighths) / 8 - Double(first))
        }
        return (
            CropBox(
                top: around.top - box.top, left: around.left - box.left, height: around.height,
                width: around.width),
            span(rectangle.left, rectangle.width, around.left),
            span(rectangle.top, rectangle.height, around.top)
        )
    }
}
