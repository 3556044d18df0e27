public import Imaging

/// A grid of numbers, such as the attention that each patch receives, shown as colours.
public struct HeatMap: Sendable {
    public let rows: Int
    public let columns: Int
    /// Row by row from the top left, `rows × columns` of them.
    public let values: [Float]
    /// The numbers of the first and the last colour.
    public let range: ClosedRange<Float>

    /// A map whose colours span `range`; nil for the smallest to the largest finite value.
    public init(rows: Int, columns: Int, values: [Float], range: ClosedRange<Float>? = nil) {
        if rows <= 0 || columns <= 0 || values.count != rows * columns {
            fatalError("HeatMap: \(values.count) values for \(rows) x \(columns)")
        }
        self.rows = rows
        self.columns = columns
        self.values = values
        let finite = values.filter(\.isFinite)
        self.range = range ?? (finite.min() ?? 0)...(finite.max() ?? 0)
    }

    /// The map over a grey copy of `image`, smoothed between the centres of the cells.
    ///
    /// - Parameters:
    ///   - image: grey or RGB, of any size.
    ///   - opacity: 0 shows only the picture, 1 only the colours.
    /// - Returns: RGB, of the size of `image`.
    public func overlay(on image: ImageBuffer, opacity: Double = 0.6) -> ImageBuffer {
        var result = ImageBuffer(width: image.width, height: image.height, channels: 3)
        let map = ColorMap.standard
        for row in 0..<image.height {
            for column in 0..<image.width {
                let color = map[share(row, column, of: image)]
                let grey = (1 - opacity) * luma(image, row, column)
                result[row, column, 0] = byte(grey + opacity * Double(color.red))
                result[row, column, 1] = byte(grey + opacity * Double(color.green))
                result[row, column, 2] = byte(grey + opacity * Double(color.blue))
            }
        }
        return result
    }

    /// Bilinear between the centres of the four nearest cells, as a share of the range.
    private func share(_ row: Int, _ column: Int, of image: ImageBuffer) -> Double {
        let y = (Double(row) + 0.5) * Double(rows) / Double(image.height) - 0.5
        let x = (Double(column) + 0.5) * Double(columns) / Double(image.width) - 0.5
        let (top, down) = (Int(y.rounded(.down)), y - y.rounded(.down))
        let (left, right) = (Int(x.rounded(.down)), x - x.rounded(.down))
        func value(_ row: Int, _ column: Int) -> Double {
            let row = min(max(row, 0), rows - 1)
            return Double(values[row * columns + min(max(column, 0), columns - 1)])
        }
        let upper = value(top, left) * (1 - right) + value(top, left + 1) * right
        let lower = value(top + 1, left) * (1 - right) + value(top + 1, left + 1) * right
        let mixed = upper * (1 - down) + lower * down
        let span = Double(range.upperBound) - Double(range.lowerBound)
        return span > 0 ? (mixed - Double(range.lowerBound)) / span : mixed.isNaN ? .nan : 0
    }

    /// The luma of BT.601 for RGB, the first channel of everything else.
    private func luma(_ image: ImageBuffer, _ row: Int, _ column: Int) -> Double {
        guard image.channels == 3 else { return Double(image[row, column]) }
        return 0.299 * Double(image[row, column, 0]) + 0.587 * Double(image[row, column, 1])
            + 0.114 * Double(image[row, column, 2])
    }

    private func byte(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
}
