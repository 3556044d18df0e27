public import Imaging

/// Cuts a rectangle at a random place out of the picture with a black border; for tiny pictures.
public struct RandomCrop: TransformStep {
    public static let name = "randomCrop"
    public static let fields: [StepField<Self>] = [
        .init("size", \.size), .init("padding", \.padding),
    ]

    public var size: PixelSize = 28
    /// Black pixels added on every side first.
    public var padding = 0

    public init() {}

    public init(size: PixelSize, padding: Int = 0) { (self.size, self.padding) = (size, padding) }

    public func check() throws {
        try expect(size, "size")
        try expect(padding >= 0, "padding", "\(padding)", "0 or more")
    }

    public func size(after size: PixelSize?) -> PixelSize? { self.size }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        PictureRegion(box(in: size, random: &random))
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        canvas.crop(to: box(in: canvas.size, random: &random))
    }

    /// Draws the rectangle; along an axis that is too short the picture is centred.
    func box(in size: PixelSize, random: inout CounterRandom) -> CropBox {
        func offset(_ have: Int, _ want: Int) -> Int {
            let room = have + 2 * padding - want
            return room < 0 ? -((want - have) / 2) : random.integer(in: 0..<room + 1) - padding
        }
        let top = offset(size.height, self.size.height)
        return CropBox(
            top: top, left: offset(size.width, self.size.width), height: self.size.height,
            width: self.size.width)
    }
}
