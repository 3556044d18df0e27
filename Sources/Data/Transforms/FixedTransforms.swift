public import Imaging

/// Mirrors a picture with the given probability.
public struct HorizontalFlip: Sendable, Equatable {
    public var probability = 0.5

    init() {}

    public init(probability: Double = 0.5) { self.probability = probability }
}

extension HorizontalFlip: TransformStep {
    static let fields: [StepField<HorizontalFlip>] = [.init("probability", \.probability)]

    func check() throws {
        try expect(
            (0...1).contains(probability), "probability", "\(probability)", "a number from 0 to 1")
    }
}

/// Resizes to a short side, or to a square whatever the shape.
public struct Resize: Sendable, Equatable {
    /// What `size` is the size of.
    public enum Fit: String, Codable, Sendable, CaseIterable {
        /// The short side; the long one follows, cut to whole pixels.
        case shortSide
        /// Both sides: the aspect ratio is lost.
        case square
    }

    public var size = 256
    public var fit = Fit.shortSide
    public var interpolation = Interpolation.bicubic

    init() {}

    public init(
        size: Int = 256, fit: Fit = .shortSide, interpolation: Interpolation = .bicubic
    ) {
        (self.size, self.fit, self.interpolation) = (size, fit, interpolation)
    }
}

extension Resize: TransformStep {
    static let fields: [StepField<Resize>] = [
        .init("size", \.size), .init("fit", \.fit), .init("interpolation", \.interpolation),
    ]

    func check() throws { try expect(size > 0, "size", "\(size)", "a number above 0") }
}

/// Cuts a square out of the middle; where the picture is smaller the rest is black.
public struct CenterCrop: Sendable, Equatable {
    public var size = 224

    init() {}

    public init(size: Int = 224) { self.size = size }
}

extension CenterCrop: TransformStep {
    static let fields: [StepField<CenterCrop>] = [.init("size", \.size)]

    func check() throws { try expect(size > 0, "size", "\(size)", "a number above 0") }
}

/// Cuts a square at a random place out of the picture with a black border; for tiny pictures.
public struct RandomCrop: Sendable, Equatable {
    /// Side of the result in pixels.
    public var size = 28
    /// Black pixels added on every side first.
    public var padding = 0

    init() {}

    public init(size: Int = 28, padding: Int = 0) { (self.size, self.padding) = (size, padding) }

    /// Draws the square; along an axis that is too short the picture is centred.
    public func box(height: Int, width: Int, random: inout CounterRandom) -> CropBox {
        func offset(_ side: Int) -> Int {
            let room = side + 2 * padding - size
            return room < 0 ? -((size - side) / 2) : random.integer(in: 0..<room + 1) - padding
        }
        let top = offset(height)
        return CropBox(top: top, left: offset(width), height: size, width: size)
    }
}

extension RandomCrop: TransformStep {
    static let fields: [StepField<RandomCrop>] = [
        .init("size", \.size), .init("padding", \.padding),
    ]

    func check() throws {
        try expect(size > 0, "size", "\(size)", "a number above 0")
        try expect(padding >= 0, "padding", "\(padding)", "0 or more")
    }
}
