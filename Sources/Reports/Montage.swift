public import Imaging

extension ImageBuffer {
    /// Rows of pictures as one RGB picture, for a file of its own.
    ///
    /// - Parameters:
    ///   - rows: pictures of any sizes; each stands in the middle of a cell of the largest size.
    ///   - scale: each pixel becomes a square of this side.
    ///   - gap: pixels between the cells and around them.
    ///   - background: grey level of the gaps.
    /// - Returns: nil when there are no pictures or the result had more than 2²⁸ pixels.
    public static func montage(
        _ rows: [[ImageBuffer]], scale: Int = 1, gap: Int = 4, background: UInt8 = 255
    ) -> ImageBuffer? {
        let pictures = rows.joined()
        let columns = rows.map(\.count).max() ?? 0
        guard scale >= 1, gap >= 0, let cellWidth = pictures.map(\.width).max(),
            let cellHeight = pictures.map(\.height).max()
        else { return nil }
        let (stepX, stepY) = (cellWidth * scale + gap, cellHeight * scale + gap)
        let (width, height) = (columns * stepX + gap, rows.count * stepY + gap)
        guard width > 0, height > 0, width <= (1 << 28) / height else { return nil }
        var result = ImageBuffer(
            width: width, height: height, channels: 3,
            pixels: repeatElement(background, count: width * height * 3))
        for (down, row) in rows.enumerated() {
            for (across, picture) in row.enumerated() {
                let left = gap + across * stepX + (cellWidth - picture.width) * scale / 2
                let top = gap + down * stepY + (cellHeight - picture.height) * scale / 2
                result.draw(picture, scale: scale, left: left, top: top)
            }
        }
        return result
    }

    /// Copies a grey or RGB picture into this RGB picture; it must fit.
    private mutating func draw(_ picture: ImageBuffer, scale: Int, left: Int, top: Int) {
        for y in 0..<picture.height * scale {
            for x in 0..<picture.width * scale {
                for channel in 0..<3 {
                    self[top + y, left + x, channel] =
                        picture[y / scale, x / scale, picture.channels == 3 ? channel : 0]
                }
            }
        }
    }
}
