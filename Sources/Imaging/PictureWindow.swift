/// A part of a picture in memory.
///
/// Loaders decode no more of a picture than its crops need; steps see the picture as if it were
/// there whole.
public struct PictureWindow: Sendable {
    /// The decoded pixels, those of `box`.
    public var pixels: ImageBuffer
    /// Which part of the picture the pixels are.
    public private(set) var box: CropBox
    /// The part that is as if the whole picture were decoded; pixels beside it may differ.
    public private(set) var exact: CropBox
    /// The whole picture's size.
    public private(set) var size: PixelSize

    public init(_ pixels: ImageBuffer = ImageBuffer()) {
        (self.pixels, size) = (pixels, pixels.size)
        box = CropBox(of: pixels.size)
        exact = box
    }

    /// Says which part of a picture `pixels` holds.
    mutating func hold(_ box: CropBox, exact: CropBox, of size: PixelSize) {
        (self.box, self.exact, self.size) = (box, exact, size)
    }

    public var height: Int { size.height }
    public var width: Int { size.width }
    public var isWhole: Bool { exact == CropBox(of: size) }

    /// The pixels of the whole picture; stops if only a part is decoded.
    public var wholePixels: ImageBuffer {
        require(isWhole, "PictureWindow: all of a picture is needed, and \(box) of it is decoded")
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
    /// Stops if a pixel of it that exists was not decoded.
    public func located(_ rectangle: CropBox) -> CropBox {
        if let inside = rectangle.clipped(to: size) {
            require(
                exact.contains(inside), "PictureWindow: \(rectangle) reaches beyond what is decoded"
            )
        }
        return CropBox(
            top: rectangle.top - box.top, left: rectangle.left - box.left,
            height: rectangle.height, width: rectangle.width)
    }
}
