public import Imaging

/// How the pictures of a test are cut out: the short side is resized, the centre taken.
public struct TestPictures: Sendable, Equatable {
    /// The side of the crop over the short side of the resized picture.
    public var cropPercent: Double
    public var interpolation: Interpolation

    public init(cropPercent: Double, interpolation: Interpolation = .bicubic) {
        self.cropPercent = cropPercent
        self.interpolation = interpolation
    }

    /// The short side of the resized picture in pixels.
    ///
    /// - Parameter imageSize: of the crop.
    /// - Returns: the size, rounded down.
    public func resized(_ imageSize: Int) -> Int {
        Int((Double(imageSize) / cropPercent).rounded(.down))
    }
}
