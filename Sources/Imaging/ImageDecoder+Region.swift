import CCodecs

extension ImageDecoder {
    /// Decodes a part of a picture, or more of it where its format has no parts.
    ///
    /// Of a JPEG only the blocks of the part are turned into pixels, and what comes after its last row
    /// is not read at all. The pixels of `region` are those of the whole picture, to the bit.
    ///
    /// A file that ends early is as bad as ever, also where the part itself is complete.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - name: what errors call the picture.
    ///   - region: the part; nil for the whole picture.
    ///   - window: what is decoded; its memory is used again.
    /// - Returns: the codec's first warning, if the data are odd but the part is complete.
    /// - Throws: `ImageError` with `name`; `window` then holds nothing of use.
    @discardableResult
    public func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, region: (PixelSize) -> CropBox?,
        into window: inout PictureWindow
    ) throws -> String? {
        let header = try header(bytes, name: name)
        let isTurned = orientation == .upright && header.orientation != 1
        guard header.format == .jpeg, !isTurned, endsProperly(bytes),
            let region = region(header.size)?.clipped(to: header.size),
            region != CropBox(of: header.size)
        else {
            let warning = try decode(bytes, header, name: name, into: &window.pixels)
            window.hold(CropBox(of: header.size), exact: CropBox(of: header.size), of: header.size)
            return warning
        }
        var part = cc_part(region)
        var report = cc_report()
        var options = options
        window.pixels.reshape(
            width: min(header.width, region.width + CC_JPEG_MARGIN), height: region.height,
            channels: header.channels)
        let status = window.pixels.withUnsafeMutableBytes { out in
            cc_jpeg_decode(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count,
                &options, &part, out.baseAddress, out.count, &report)
        }
        guard Int(status) == CC_OK || (acceptsTruncated && Int(status) == CC_TRUNCATED) else {
            throw ImageError(report, name: name)
        }
        let box = CropBox(part)
        window.pixels.reshape(width: box.width, height: box.height, channels: header.channels)
        window.hold(box, exact: region, of: header.size)
        return report.warnings > 0 ? report.text : nil
    }

    /// Whether the marker of a JPEG's end is there; programs may have put a little behind it.
    ///
    /// Compressed data cannot hold it. Where it is missing only decoding all of the picture shows
    /// whether something else is missing, too.
    private func endsProperly(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = max(0, bytes.count - 1024)
        var last = bytes.count - 1
        while last > start {
            if bytes[last] == 0xD9, bytes[last - 1] == 0xFF { return true }
            last -= 1
        }
        return false
    }
}

extension cc_part {
    init(_ box: CropBox) {
        self.init(
            left: Int64(box.left), top: Int64(box.top), width: Int64(box.width),
            height: Int64(box.height))
    }
}

extension CropBox {
    fileprivate init(_ box: cc_part) {
        self.init(
            top: Int(box.top), left: Int(box.left), height: Int(box.height), width: Int(box.width))
    }
}
