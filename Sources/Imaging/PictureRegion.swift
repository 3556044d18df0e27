/// A part of a picture that is read, and how many pixels are made of it.
public struct PictureRegion: Sendable, Equatable {
    public var box: CropBox
    /// The size that the part is resized to; nil where its pixels are used as they are.
    public var target: PixelSize?

    public init(_ box: CropBox, resizedTo target: PixelSize? = nil) {
        (self.box, self.target) = (box, target)
    }

    /// The region cut to a picture of the given size; nil if nothing of it lies there.
    public func clipped(to size: PixelSize) -> PictureRegion? {
        box.clipped(to: size).map { PictureRegion($0, resizedTo: target) }
    }

    /// The least size, in eighths of the picture's, at which the part has the pixels of its target.
    ///
    /// Only up to a half: decoding a JPEG at five to seven eighths takes longer than decoding all
    /// of it.
    var eighths: Int {
        guard let target else { return 8 }
        return [1, 2, 3, 4].first {
            box.width * $0 / 8 >= target.width && box.height * $0 / 8 >= target.height
        } ?? 8
    }
}

extension CropBox {
    /// The smallest rectangle of whole pixels around this one in a picture of so many eighths.
    func scaled(toEighths eighths: Int) -> CropBox {
        let (top, left) = (self.top * eighths / 8, self.left * eighths / 8)
        return CropBox(
            top: top, left: left, height: ((self.top + height) * eighths + 7) / 8 - top,
            width: ((self.left + width) * eighths + 7) / 8 - left)
    }
}
