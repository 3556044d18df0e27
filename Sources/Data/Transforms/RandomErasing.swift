import Foundation
import Imaging

/// Fills a random rectangle of the normalised result: Zhong et al., *Random Erasing Data
/// Augmentation* (2020), as timm does it.
public struct RandomErasing: TransformStep {
    public static let name = "randomErasing"
    public static let fields: [StepField<Self>] = [
        .init("probability", \.probability), .init("area", \.area), .init("aspect", \.aspect),
        .init("mode", \.mode), .init("count", \.count),
    ]

    /// What fills the rectangle, after the normalisation.
    public enum Mode: String, Codable, Sendable, CaseIterable {
        /// A standard normal number for each value.
        case pixel
        /// A standard normal number for each channel.
        case channel = "rand"
        /// 0, the mean of the data.
        case zero = "const"
    }

    public var probability = 0.25
    /// Least and greatest part of the picture, of all rectangles together.
    public var area = [0.02, 1.0 / 3]
    /// Least and greatest height / width.
    public var aspect = [0.3, 1 / 0.3]
    public var mode = Mode.pixel
    /// The greatest number of rectangles; from 1 on all are equally likely.
    public var count = 1

    public init() {}

    public init(probability: Double, mode: Mode = .pixel, count: Int = 1) {
        (self.probability, self.mode, self.count) = (probability, mode, count)
    }

    public func check() throws {
        try expectProbability(probability)
        try expect(
            area.count == 2 && area[0] > 0 && area[0] <= area[1] && area[1] <= 1, "area",
            "\(area)", "two numbers 0 < least <= greatest <= 1")
        try expect(
            aspect.count == 2 && aspect[0] > 0 && aspect[0] <= aspect[1] && aspect[1].isFinite,
            "aspect", "\(aspect)", "two numbers 0 < least <= greatest")
        try expect((1...100).contains(count), "count", "\(count)", "a number from 1 to 100")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        let boxes = boxes(in: canvas.size, random: &random)
        if !boxes.isEmpty {
            canvas.erase(Erasure(boxes: boxes, mode: mode, random: random))
        }
    }

    /// Draws the rectangles of one picture: often none.
    func boxes(in size: PixelSize, random: inout CounterRandom) -> [CropBox] {
        guard random.happens(probability) else { return [] }
        let count = self.count == 1 ? 1 : random.integer(in: 1..<self.count + 1)
        return (0..<count).compactMap { _ in box(in: size, of: count, random: &random) }
    }

    /// The first of ten tries that is smaller than the picture along both axes.
    private func box(in size: PixelSize, of count: Int, random: inout CounterRandom) -> CropBox? {
        for _ in 0..<10 {
            let pixels =
                random.uniform(in: area[0]...area[1]) * Double(size.count) / Double(count)
            let aspect = exp(random.uniform(in: log(self.aspect[0])...log(self.aspect[1])))
            let height = Int((pixels * aspect).squareRoot().rounded(.toNearestOrEven))
            let width = Int((pixels / aspect).squareRoot().rounded(.toNearestOrEven))
            guard (1..<size.height).contains(height), (1..<size.width).contains(width) else {
                continue
            }
            let top = random.integer(in: 0..<size.height - height + 1)
            return CropBox(
                top: top, left: random.integer(in: 0..<size.width - width + 1), height: height,
                width: width)
        }
        return nil
    }
}
