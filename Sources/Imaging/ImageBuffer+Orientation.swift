extension ImageBuffer {
    /// The picture turned and mirrored as EXIF's orientation asks.
    ///
    /// - Parameter orientation: 1 to 8: which way round the pixels are stored.
    /// - Returns: a new picture, whose sides are swapped from 5 on.
    func upright(from orientation: Int) -> ImageBuffer {
        require((1...8).contains(orientation), "ImageBuffer: orientation \(orientation)")
        let isTransposed = orientation >= 5
        let isFromRight = [2, 3, 7, 8].contains(orientation)
        let isFromBottom = [3, 4, 6, 7].contains(orientation)
        var result = ImageBuffer(
            width: isTransposed ? height : width, height: isTransposed ? width : height,
            channels: channels)
        let (columns, rows) = (result.width, result.height)
        withUnsafeBytes { source in
            result.withUnsafeMutableBytes { target in
                var place = 0
                for y in 0..<rows {
                    for x in 0..<columns {
                        var (row, column) = isTransposed ? (x, y) : (y, x)
                        if isFromRight { column = width - 1 - column }
                        if isFromBottom { row = height - 1 - row }
                        let from = (row * width + column) * channels
                        for c in 0..<channels { target[place + c] = source[from + c] }
                        place += channels
                    }
                }
            }
        }
        return result
    }
}
