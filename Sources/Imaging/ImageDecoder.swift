import CCodecs

/// What a decoder accepts; checked before any memory for pixels is taken.
public struct ImageLimits: Sendable, Equatable {
    /// Most pixels of a picture; the default is where Pillow refuses a picture, too.
    public var maxPixels = 178_956_970
    /// Longest file in bytes.
    public var maxFileBytes = 1 << 30
    /// Most scans of a progressive JPEG: each costs a pass over the picture.
    public var maxScans = 100

    public init() {}
}

/// A file format, known by its first bytes, never by the name of the file.
public enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg
    case png

    /// The format of encoded bytes, if it is one of ours.
    public static func detect(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        return nil
    }
}

/// What is known of an encoded picture before its pixels are decoded.
public struct ImageHeader: Sendable, Equatable {
    public let format: ImageFormat
    public let width: Int
    public let height: Int
    /// Channels after decoding: 1 for grey pictures, 3 for all others.
    public let channels: Int

    public var size: PixelSize { PixelSize(height: height, width: width) }
}

/// Turns JPEG and PNG bytes into 8-bit grey or RGB pixels, as Pillow's `convert("RGB")` does.
///
/// Alpha is dropped, palettes are looked up, CMYK is converted, EXIF rotation is ignored. Of
/// 16-bit channels the upper byte is kept.
public struct ImageDecoder: Sendable {
    public var limits: ImageLimits
    /// Keep a picture whose data end early (the rest is grey) instead of throwing.
    public var acceptsTruncated = false

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
        var header = cc_header()
        var report = cc_report()
        let memory = bytes.bindMemory(to: UInt8.self).baseAddress
        let status =
            switch format {
            case .jpeg: cc_jpeg_header(memory, bytes.count, &header, &report)
            case .png: cc_png_header(memory, bytes.count, &header, &report)
            }
        guard Int(status) == CC_OK else { throw ImageError(report, name: name) }
        let (width, height) = (Int(header.width), Int(header.height))
        guard width > 0, height > 0 else {
            throw ImageError(.corrupt, name: name, reason: "the size is \(width)x\(height)")
        }
        // Neither product can overflow: both formats keep sizes below 2³¹.
        guard width * height <= limits.maxPixels else {
            throw ImageError(
                .tooLarge, name: name,
                reason: "\(width)x\(height) pixels, more than the limit of \(limits.maxPixels)")
        }
        return ImageHeader(
            format: format, width: width, height: height, channels: Int(header.channels))
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
        image.reshape(width: header.width, height: header.height, channels: header.channels)
        var report = cc_report()
        let memory = bytes.bindMemory(to: UInt8.self).baseAddress
        let status = image.withUnsafeMutableBytes { out -> Int32 in
            switch header.format {
            case .jpeg:
                var all = cc_box(CropBox(of: header.size))
                return cc_jpeg_decode(
                    memory, bytes.count, Int32(clamping: limits.maxScans), &all, out.baseAddress,
                    out.count, &report)
            case .png:
                return cc_png_decode(memory, bytes.count, out.baseAddress, out.count, &report)
            }
        }
        let complete = Int(status) == CC_OK
        // Only libjpeg fills in what is missing; libpng leaves it as it was.
        let usable = acceptsTruncated && Int(status) == CC_TRUNCATED && header.format == .jpeg
        guard complete || usable else { throw ImageError(report, name: name) }
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
    /// The C string of `message`.
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
