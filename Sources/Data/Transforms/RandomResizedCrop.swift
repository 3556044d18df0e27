import Foundation
public import Imaging

/// Cuts out a random rectangle and resizes it.
public struct RandomResizedCrop: TransformStep {
    public static let name = "randomResizedCrop"
    public static let fields: [StepField<Self>] = [
        .init("size", \.size), .init("scale", \.scale), .init("ratio", \.ratio),
        .init("interpolation", \.interpolation), .init("form", \.form),
    ]

    /// How the rectangle is drawn.
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// torchvision's: up to ten tries that must fit, then the largest centre crop of an allowed
        /// aspect ratio.
        case torchvision
        /// MAE's linear probe: one try, height and width cut to the picture independently.
        case clamped
    }

    /// Size of the result.
    public var size: PixelSize = 224
    /// Least and greatest part of the picture's area.
    public var scale = [0.2, 1.0]
    /// Least and greatest width / height.
    public var ratio = [3.0 / 4, 4.0 / 3]
    public var interpolation = Interpolation.bicubic
    public var form = Form.torchvision

    public init() {}

    public init(
        size: PixelSize = 224, scale: [Double] = [0.2, 1.0], ratio: [Double] = [3.0 / 4, 4.0 / 3],
        interpolation: Interpolation = .bicubic, form: Form = .torchvision
    ) {
        (self.size, self.scale, self.ratio) = (size, scale, ratio)
        (self.interpolation, self.form) = (interpolation, form)
    }

    public func check() throws {
        try expect(size, "size")
        try expect(
            scale.count == 2 && scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1, "scale",
            "\(scale)", "two numbers 0 < least <= greatest <= 1")
        try expect(
            ratio.count == 2 && ratio[0] > 0 && ratio[0] <= ratio[1] && ratio[1].isFinite, "ratio",
            "\(ratio)", "two numbers 0 < least <= greatest")
    }

    public func size(after size: PixelSize?) -> PixelSize? { self.size }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        PictureRegion(
            box(height: size.height, width: size.width, random: &random), resizedTo: self.size)
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) throws {
        let box = box(height: canvas.size.height, width: canvas.size.width, random: &random)
        try canvas.resample(box, to: size, interpolation)
    }

    /// Draws a rectangle within a picture of the given size.
    public func box(height: Int, width: Int, random: inout CounterRandom) -> CropBox {
        box(height: height, width: width, random: &random) { range, random in
            random.uniform(in: range[0]...range[1])
        } offset: { room, random in
            random.integer(in: 0..<room + 1)
        }
    }

    /// The rectangle that the given draws make.
    ///
    /// A try takes a part of the area, from `scale`, and the logarithm of the aspect ratio; one
    /// that fits takes the top and the left, of 0...room each.
    func box<Source>(
        height: Int, width: Int, random: inout Source,
        uniform: ([Double], inout Source) -> Double, offset: (Int, inout Source) -> Int
    ) -> CropBox {
        let logRatio = ratio.map(log)
        for _ in 0..<(form == .torchvision ? 10 : 1) {
            let area = uniform(scale, &random)
            let aspect = exp(uniform(logRatio, &random))
            var size = Self.boxSize(
                areaFraction: area, aspect: aspect, height: height, width: width)
            if form == .clamped {
                size = (min(size.height, height), min(size.width, width))
            }
            guard (1...height).contains(size.height), (1...width).contains(size.width) else {
                continue
            }
            let top = offset(height - size.height, &random)
            return CropBox(
                top: top, left: offset(width - size.width, &random), height: size.height,
                width: size.width)
        }
        return fallback(height: height, width: width)
    }

    /// Height and width of a rectangle of part of the area, rounded half to even, not yet cut.
    public static func boxSize(
        areaFraction: Double, aspect: Double, height: Int, width: Int
    ) -> (height: Int, width: Int) {
        let area = areaFraction * Double(height * width)
        return (
            Int((area / aspect).squareRoot().rounded(.toNearestOrEven)),
            Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
        )
    }

    /// The largest centre crop whose aspect ratio is allowed.
    private func fallback(height: Int, width: Int) -> CropBox {
        let aspect = Double(width) / Double(height)
        var size = (height: height, width: width)
        if aspect < ratio[0] {
            size.height = Int((Double(width) / ratio[0]).rounded(.toNearestOrEven))
        } else if aspect > ratio[1] {
            size.width = Int((Double(height) * ratio[1]).rounded(.toNearestOrEven))
        }
        size = (max(1, min(size.height, height)), max(1, min(size.width, width)))
        return CropBox(
            top: (height - size.height) / 2, left: (width - size.width) / 2, height: size.height,
            width: size.width)
    }
}
