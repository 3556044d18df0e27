public import Imaging

/// Cuts a rectangle out of the middle; where the picture is smaller the rest is black.
public struct CenterCrop: TransformStep {
    public static let name = "centerCrop"
    public static let fields: [StepField<Self>] = [.init("size", \.size)]

    public var size: PixelSize = 224

    public init() {}

    public init(size: PixelSize) { self.size = size }

    public func check() throws { try expect(size, "size") }

    public func size(after size: PixelSize?) -> PixelSize? { self.size }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        PictureRegion(CropBox(centering: self.size, in: size))
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        canvas.crop(to: CropBox(centering: size, in: canvas.size))
    }
}
