import Configuration

/// The patches of a picture that a mask is drawn over: rows, columns, and the side of a patch.
///
/// A part of the picture beyond the last whole patch belongs to none.
public struct MaskGrid: Hashable, Sendable, CustomStringConvertible {
    public let rows: Int
    public let columns: Int
    /// Pixels.
    public let patchSize: Int

    public init(rows: Int, columns: Int, patchSize: Int = 1) {
        require(
            rows > 0 && columns > 0 && patchSize > 0,
            "MaskGrid: \(rows) × \(columns) patches of \(patchSize) pixels")
        (self.rows, self.columns, self.patchSize) = (rows, columns, patchSize)
    }

    /// The grid of a picture.
    ///
    /// - Throws: `ConfigurationError` for a picture without a single patch.
    public init(height: Int, width: Int, patchSize: Int) throws {
        guard patchSize > 0, patchSize <= min(height, width) else {
            throw ConfigurationError.invalid(
                "patchSize", found: patchSize,
                expected: "1 to the shorter side of the picture, \(min(height, width))")
        }
        self.init(rows: height / patchSize, columns: width / patchSize, patchSize: patchSize)
    }

    public var count: Int { rows * columns }
    public var height: Int { rows * patchSize }
    public var width: Int { columns * patchSize }

    public var description: String { "\(rows)×\(columns)" }
}
