/// Height and width of a picture; in recipes one number for a square, or `[height, width]`.
public struct PixelSize: Sendable, Equatable, ExpressibleByIntegerLiteral {
    public var height: Int
    public var width: Int

    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }

    /// A square.
    public init(_ side: Int) { self.init(height: side, width: side) }

    public init(integerLiteral side: Int) { self.init(side) }

    public var count: Int { height * width }
    public var isSquare: Bool { height == width }

    /// The size after the short side was brought to `side`: the long one is ⌊side · long / short⌋.
    public func withShortSide(_ side: Int) -> PixelSize {
        width <= height
            ? PixelSize(height: Int(Double(side * height) / Double(width)), width: side)
            : PixelSize(height: side, width: Int(Double(side * width) / Double(height)))
    }
}

extension PixelSize: CustomStringConvertible {
    public var description: String { isSquare ? "\(height)" : "[\(height), \(width)]" }
}

extension PixelSize: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let side = try? container.decode(Int.self) {
            self.init(side)
        } else if let sides = try? container.decode([Int].self), sides.count == 2 {
            self.init(height: sides[0], width: sides[1])
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected one number or [height, width]")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if isSquare {
            try container.encode(height)
        } else {
            try container.encode([height, width])
        }
    }
}
