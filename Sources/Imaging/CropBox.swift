/// A rectangle of whole pixels.
public struct CropBox: Sendable, Equatable, Codable {
    public var top: Int
    public var left: Int
    public var height: Int
    public var width: Int

    public init(top: Int, left: Int, height: Int, width: Int) {
        (self.top, self.left, self.height, self.width) = (top, left, height, width)
    }

    /// All of a picture of the given size.
    public init(of size: PixelSize) {
        self.init(top: 0, left: 0, height: size.height, width: size.width)
    }

    /// The middle of a picture; offsets are rounded half to even.
    ///
    /// Where the picture is smaller the rectangle reaches beyond it, by ⌊missing / 2⌋ on the left
    /// and at the top.
    public init(centering size: PixelSize, in picture: PixelSize) {
        func offset(_ have: Int, _ want: Int) -> Int {
            guard have >= want else { return -((want - have) / 2) }
            return Int((Double(have - want) / 2).rounded(.toNearestOrEven))
        }
        self.init(
            top: offset(picture.height, size.height), left: offset(picture.width, size.width),
            height: size.height, width: size.width)
    }

    public var size: PixelSize { PixelSize(height: height, width: width) }

    /// The part that lies in a picture of the given size; nil if none does.
    public func clipped(to size: PixelSize) -> CropBox? {
        let (bottom, right) = (min(top + height, size.height), min(left + width, size.width))
        let (top, left) = (max(top, 0), max(left, 0))
        guard top < bottom, left < right else { return nil }
        return CropBox(top: top, left: left, height: bottom - top, width: right - left)
    }

    /// The smallest rectangle around both.
    public func union(_ other: CropBox) -> CropBox {
        let (top, left) = (min(top, other.top), min(left, other.left))
        return CropBox(
            top: top, left: left,
            height: max(self.top + height, other.top + other.height) - top,
            width: max(self.left + width, other.left + other.width) - left)
    }

    public func contains(_ other: CropBox) -> Bool {
        top <= other.top && left <= other.left && other.top + other.height <= top + height
            && other.left + other.width <= left + width
    }

    /// Whether the rectangle has pixels and all of them lie in a picture of the given size.
    public func fits(_ picture: PixelSize) -> Bool {
        height > 0 && width > 0 && top >= 0 && left >= 0
            && top <= picture.height - height && left <= picture.width - width
    }
}
