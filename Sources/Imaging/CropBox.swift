/// A rectangle of whole pixels.
public struct CropBox: Sendable, Equatable, Codable {
    public var top: Int
    public var left: Int
    public var height: Int
    public var width: Int

    public init(top: Int, left: Int, height: Int, width: Int) {
        (self.top, self.left, self.height, self.width) = (top, left, height, width)
    }

    /// All of a picture.
    public init(of image: ImageBuffer) {
        self.init(top: 0, left: 0, height: image.height, width: image.width)
    }

    /// Whether the rectangle has pixels and all of them lie in a picture of the given size.
    public func fits(height: Int, width: Int) -> Bool {
        self.height > 0 && self.width > 0 && top >= 0 && left >= 0
            && top <= height - self.height && left <= width - self.width
    }
}
