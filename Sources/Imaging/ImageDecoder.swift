import CCodecs

/// Turns encoded pictures into 8-bit grey or RGB pixels, as Pillow's `convert("RGB")` does.
///
/// Alpha is dropped, palettes are looked up, CMYK is converted, orientation is ignored. Of 16-bit
/// channels the upper byte is kept. Of several pictures in a file the first is decoded.
public struct ImageDecoder: Sendable {
    /// Which channels a picture decodes to.
    public enum Channels: String, Codable, Sendable, CaseIterable {
        /// 1 for grey pictures, 3 for all others.
        case rgbOrGrey
        /// Those of the file: alpha stays, and so do all samples of a TIFF or an array. Palettes are
        /// looked up; a JPEG is grey or RGB.
        case stored
    }

    /// Whether pictures are turned as their files say.
    public enum Orientation: String, Codable, Sendable, CaseIterable {
        case ignored
        case upright
    }

    /// Whether pictures may be decoded smaller than they are.
    public enum Scaling: String, Codable, Sendable, CaseIterable {
        /// Never.
        case exact
        /// A JPEG of which only resized parts are read may be decoded at 1/8, 1/4, 3/8 or 1/2 of its
        /// size, if the parts then still have the pixels they are resized to.
        ///
        /// That is faster, and close to the exact result, not equal to it.
        case fast
    }

    public var limits: ImageLimits
    /// Keep a picture whose data end early instead of throwing.
    ///
    /// What is missing is black, or in a JPEG whatever libjpeg makes of it (often grey).
    public var acceptsTruncated = false
    public var channels = Channels.rgbOrGrey
    public var orientation = Orientation.ignored
    public var scaling = Scaling.exact
    /// The values that become 0 and 255 in samples deeper than 8 bits.
    ///
    /// Those between are mapped linearly and rounded. Without it 16-bit samples keep their upper
    /// byte, and deeper ones (of a TIFF or an array) are refused.
    public var range: ClosedRange<Double>?

    public init(limits: ImageLimits = ImageLimits()) { self.limits = limits }

    /// Reads the header and applies the limits.
    ///
    /// - Throws: `ImageError` with `name` if the bytes are no picture or one beyond the limits.
    public func header(_ bytes: UnsafeRawBufferPointer, name: String) throws -> ImageHeader {
        guard !bytes.isEmpty else {
            throw ImageError(.truncated, name: name, reason: "the file is empty")
        }
        guard bytes.count <= limits.maxFileBytes else {
            throw ImageError(
                .tooLarge, name: name,
                reason: "\(bytes.count) bytes, more than the limit of \(limits.maxFileBytes)")
        }
        guard let format = ImageFormat.detect(bytes) else {
            let start = bytes.prefix(4).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            throw ImageError(
                .unknownFormat, name: name,
                reason: "no picture format starts with the bytes \(start.joined(separator: " "))")
        }
        let header = try storedHeader(bytes, format, name: name)
        let (width, height) = (Int(header.width), Int(header.height))
        guard width > 0, height > 0 else {
            throw ImageError(.corrupt, name: name, reason: "the size is \(width)x\(height)")
        }
        // The product cannot overflow: all formats keep sizes below 2³¹.
        guard width * height <= limits.maxPixels else {
            throw ImageError(
                .tooLarge, name: name,
                reason: "\(width)x\(height) pixels, more than the limit of \(limits.maxPixels)")
        }
        guard header.channels <= limits.maxChannels else {
            throw ImageError(
                .tooLarge, name: name,
                reason: "\(header.channels) channels, more than the limit of \(limits.maxChannels)")
        }
        return ImageHeader(header, format, turned: orientation == .upright)
    }

    private func storedHeader(
        _ bytes: UnsafeRawBufferPointer, _ format: ImageFormat, name: String
    ) throws -> cc_header {
        var header = cc_header()
        var report = cc_report()
        var options = options
        let memory = bytes.bindMemory(to: UInt8.self).baseAddress
        let status =
            switch format {
            case .jpeg: cc_jpeg_header(memory, bytes.count, &header, &report)
            case .png: cc_png_header(memory, bytes.count, &options, &header, &report)
            case .webp: cc_webp_header(memory, bytes.count, &options, &header, &report)
            case .tiff: cc_tiff_header(memory, bytes.count, &options, &header, &report)
            case .gif: cc_gif_header(memory, bytes.count, &options, &header, &report)
            case .bmp: cc_bmp_header(memory, bytes.count, &options, &header, &report)
            case .numpy: try NumpyPicture.header(bytes, name: name, decoder: self, &header)
            }
        guard Int(status) == CC_OK else { throw ImageError(report, name: name) }
        return header
    }

    var options: cc_options {
        cc_options(
            stored: channels == .stored ? 1 : 0, accepts_truncated: acceptsTruncated ? 1 : 0,
            has_range: range == nil ? 0 : 1, low: range?.lowerBound ?? 0,
            high: range?.upperBound ?? 0, max_memory: Int64(limits.maxWorkingBytes),
            max_scans: Int32(clamping: limits.maxScans))
    }

    /// Decodes into `image`, whose memory is used again.
    ///
    /// - Returns: the codec's first warning, if the data are odd but the picture is complete.
    /// - Throws: `ImageError` with `name`; `image` then holds nothing of use.
    @discardableResult
    public func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, into image: inout ImageBuffer
    ) throws -> String? {
        try decode(bytes, try header(bytes, name: name), name: name, into: &image)
    }

    /// Decodes a picture whose header was read.
    func decode(
        _ bytes: UnsafeRawBufferPointer, _ header: ImageHeader, name: String,
        into image: inout ImageBuffer
    ) throws -> String? {
        guard orientation == .upright, header.orientation != 1 else {
            return try decodeAsStored(bytes, header, header.size, name: name, into: &image)
        }
        let isTransposed = header.orientation >= 5
        let stored = PixelSize(
            height: isTransposed ? header.width : header.height,
            width: isTransposed ? header.height : header.width)
        var turned = ImageBuffer()
        let warning = try decodeAsStored(bytes, header, stored, name: name, into: &turned)
        image = turned.upright(from: header.orientation)
        return warning
    }

    private func decodeAsStored(
        _ bytes: UnsafeRawBufferPointer, _ header: ImageHeader, _ size: PixelSize, name: String,
        into image: inout ImageBuffer
    ) throws -> String? {
        image.reshape(width: size.width, height: size.height, channels: header.channels)
        var report = cc_report()
        var options = options
        let memory = bytes.bindMemory(to: UInt8.self).baseAddress
        let length = bytes.count
        let array =
            header.format == .numpy
            ? try NumpyPicture(bytes, name: name, decoder: self) : nil
        let status = image.withUnsafeMutableBytes { pixels -> Int32 in
            let (out, room) = (pixels.baseAddress, pixels.count)
            switch header.format {
            case .jpeg:
                var all = cc_part(CropBox(of: size))
                return cc_jpeg_decode(memory, length, &options, 8, &all, out, room, &report)
            case .png: return cc_png_decode(memory, length, &options, out, room, &report)
            case .webp: return cc_webp_decode(memory, length, &options, out, room, &report)
            case .tiff: return cc_tiff_decode(memory, length, &options, out, room, &report)
            case .gif: return cc_gif_decode(memory, length, &options, out, room, &report)
            case .bmp: return cc_bmp_decode(memory, length, &options, out, room, &report)
            case .numpy: return array?.decode(bytes, into: pixels, &report) ?? Int32(CC_CORRUPT)
            }
        }
        guard Int(status) == CC_OK || (acceptsTruncated && Int(status) == CC_TRUNCATED) else {
            throw ImageError(report, name: name)
        }
        if Int(status) == CC_TRUNCATED { return report.text }
        return report.warnings > 0 ? report.text : nil
    }

    /// Decodes bytes into a new picture.
    public func decode(_ bytes: [UInt8], name: String) throws -> ImageBuffer {
        var image = ImageBuffer()
        try bytes.withUnsafeBytes { _ = try decode($0, name: name, into: &image) }
        return image
    }

    /// Decodes the picture in a file.
    public func decode(path: String) throws -> ImageBuffer {
        var bytes: [UInt8] = []
        let count = try readFile(path, limit: limits.maxFileBytes, into: &bytes)
        var image = ImageBuffer()
        try bytes.withUnsafeBytes {
            _ = try decode(UnsafeRawBufferPointer(rebasing: $0[..<count]), name: path, into: &image)
        }
        return image
    }
}

extension ImageError {
    init(_ report: cc_report, name: String) {
        let kind: Kind =
            switch Int(report.status) {
            case CC_TRUNCATED: .truncated
            case CC_UNSUPPORTED: .unsupported
            case CC_LIMIT: .tooLarge
            case CC_MEMORY: .outOfMemory
            default: .corrupt
            }
        self.init(kind, name: name, reason: report.text)
    }
}

extension cc_report {
    /// Notes an error, cut to the room there is.
    mutating func fail(_ status: Int, _ reason: String) {
        self.status = Int32(status)
        withUnsafeMutableBytes(of: &message) { room in
            let text = Array(reason.utf8.prefix(room.count - 1)) + [0]
            room.copyBytes(from: text)
        }
    }

    /// The C string of `message`.
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
