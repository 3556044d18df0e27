import CCodecs

extension ImageDecoder {
    /// Decodes parts of a picture, or more of it where its format has no parts.
    ///
    /// Of a JPEG only the blocks around the parts are turned into pixels, and what comes after their
    /// last row is not read at all. The pixels are those of the whole picture, to the bit, unless
    /// `scaling` allows a smaller picture.
    ///
    /// A file that ends early is as bad as ever, also where the part itself is complete.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - name: what errors call the picture.
    ///   - regions: the parts of a picture of the size it is called with; nil among them, or none at
    ///     all, for the whole picture.
    ///   - window: what is decoded, one rectangle around all parts; its memory is used again.
    /// - Returns: the codec's first warning, if the data are odd but the parts are complete.
    /// - Throws: `ImageError` with `name`; `window` then holds nothing of use.
    @discardableResult
    public func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, regions: (PixelSize) -> [PictureRegion?],
        into window: inout PictureWindow
    ) throws -> String? {
        let header = try header(bytes, name: name)
        let whole = CropBox(of: header.size)
        let isTurned = orientation == .upright && header.orientation != 1
        var (part, eighths) = (whole, 8)
        if header.format == .jpeg, !isTurned, endsProperly(bytes) {
            let regions = regions(header.size).map {
                $0?.clipped(to: header.size) ?? PictureRegion(whole)
            }
            part = regions.dropFirst().reduce(regions.first?.box) { $0?.union($1.box) } ?? whole
            if scaling == .fast { eighths = regions.map(\.eighths).max() ?? 8 }
        }
        guard part != whole || eighths < 8 else {
            let warning = try decode(bytes, header, name: name, into: &window.pixels)
            window.hold(whole, exact: whole, of: header.size)
            return warning
        }
        let exact = part.scaled(toEighths: eighths)
        var box = cc_part(exact)
        var report = cc_report()
        var options = options
        window.pixels.reshape(
            width: min(whole.scaled(toEighths: eighths).width, exact.width + CC_JPEG_MARGIN),
            height: exact.height, channels: header.channels)
        let status = window.pixels.withUnsafeMutableBytes { out in
            cc_jpeg_decode(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &options,
                Int32(eighths), &box, out.baseAddress, out.count, &report)
        }
        guard Int(status) == CC_OK || (acceptsTruncated && Int(status) == CC_TRUNCATED) else {
            throw ImageError(report, name: name)
        }
        let decoded = CropBox(box)
        window.pixels.reshape(
            width: decoded.width, height: decoded.height, channels: header.channels)
        window.hold(decoded, exact: exact, of: header.size, eighths: eighths)
        return report.warnings > 0 ? report.text : nil
    }

    /// Decodes one part of a picture, whose pixels are used as they are.
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
        try decode(
            bytes, name: name, regions: { [region($0).map { PictureRegion($0) }] }, into: &window)
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
