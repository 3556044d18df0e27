import CCodecs

extension ImageBuffer {
    /// The picture as a PNG file; 1 to 4 channels (grey, grey + alpha, RGB, RGBA).
    public func encodedPNG() throws -> [UInt8] {
        try encoded(allowed: 1...4, format: "PNG") { pixels, out, count, report in
            cc_png_encode(
                pixels, Int32(width), Int32(height), Int32(channels), &out, &count, &report)
        }
    }

    /// The picture as a JPEG file; 1, 3 or 4 channels (grey, RGB, CMYK).
    ///
    /// - Parameters:
    ///   - quality: 1 to 100, libjpeg's scale.
    ///   - progressive: several scans from coarse to fine.
    ///   - sampling: columns and rows of an RGB picture that share a sample of colour, 1 to 4 each.
    ///   - restartInterval: blocks between restart markers; 0 for none.
    /// - Returns: the bytes of the file.
    /// - Throws: `ImageError` if the picture is empty or too large for the format.
    public func encodedJPEG(
        quality: Int = 90, progressive: Bool = false,
        sampling: (horizontal: Int, vertical: Int) = (2, 2), restartInterval: Int = 0
    ) throws -> [UInt8] {
        require((1...100).contains(quality), "encodedJPEG: quality \(quality), not in 1...100")
        var options = cc_jpeg_options(
            quality: Int32(quality), progressive: progressive ? 1 : 0,
            horizontal_sampling: Int32(sampling.horizontal),
            vertical_sampling: Int32(sampling.vertical), restart_interval: Int32(restartInterval))
        return try encoded(allowed: [1, 3, 4], format: "JPEG") { pixels, out, count, report in
            cc_jpeg_encode(
                pixels, Int32(width), Int32(height), Int32(channels), &options, &out, &count,
                &report)
        }
    }

    private func encoded(
        allowed: some Sequence<Int>, format: String,
        _ encode: (
            UnsafePointer<UInt8>?, inout UnsafeMutablePointer<UInt8>?, inout Int, inout cc_report
        ) -> Int32
    ) throws -> [UInt8] {
        require(allowed.contains(channels), "\(format) cannot hold \(channels) channels")
        guard width > 0, height > 0, width <= 65_500, height <= 65_500 else {
            throw ImageError(
                .unsupported, name: "picture",
                reason: "\(width)x\(height) pixels cannot be saved as \(format)")
        }
        var out: UnsafeMutablePointer<UInt8>?
        var count = 0
        var report = cc_report()
        let status = withUnsafeBytes { encode($0.baseAddress, &out, &count, &report) }
        defer { cc_free(out) }
        guard Int(status) == CC_OK else { throw ImageError(report, name: "\(format) encoder") }
        return Array(UnsafeBufferPointer(start: out, count: count))
    }
}
