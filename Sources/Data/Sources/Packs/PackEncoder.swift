import Imaging

/// Turns a picture of a source into the bytes that a pack stores.
struct PackEncoder {
    let settings: PackSettings
    private var picture = StoredPicture()
    private var resampler = Resampler()
    private var resized = ImageBuffer()
    private let decoder = ImageDecoder()
    /// Accepts what a run may read with other settings: all channels, and numbers of any range.
    private let headers: ImageDecoder

    init(_ settings: PackSettings) {
        self.settings = settings
        var headers = ImageDecoder()
        headers.channels = .stored
        headers.range = 0...1
        self.headers = headers
    }

    /// The bytes, and the ending that says what they are.
    ///
    /// - Throws: `ImageError` or `DataError` for a picture that cannot be read.
    mutating func encode(
        _ index: Int, of source: any ImageSource
    ) throws -> (bytes: [UInt8], ending: String) {
        let name = source.name(at: index)
        try source.load(index, into: &picture)
        var format = ImageFormat.png
        if picture.form == .encoded {
            let header = try picture.bytes.withUnsafeBytes {
                try headers.header(
                    UnsafeRawBufferPointer(rebasing: $0[..<picture.byteCount]), name: name)
            }
            format = header.format
            guard let side = settings.shortSide, min(header.width, header.height) > side else {
                return (Array(picture.bytes.prefix(picture.byteCount)), Self.ending(format))
            }
            try picture.decode(decoder, name: name)
        }
        let isJPEG =
            settings.form == .jpeg || settings.form == .same && format == .jpeg
        return try encode(picture.pixels, asJPEG: isJPEG, name)
    }

    private mutating func encode(
        _ pixels: ImageBuffer, asJPEG: Bool, _ name: String
    ) throws -> (bytes: [UInt8], ending: String) {
        guard [1, 3].contains(pixels.channels) else {
            throw ImageError(
                .unsupported, name: name,
                reason: "has \(pixels.channels) channels, which only its own form holds")
        }
        var result = pixels
        if let side = settings.shortSide, min(pixels.width, pixels.height) > side {
            let size = pixels.size.withShortSide(side)
            resampler.resize(
                pixels, box: CropBox(of: pixels.size), width: size.width, height: size.height,
                interpolation: settings.interpolation, into: &resized)
            result = resized
        }
        return asJPEG
            ? (try result.encodedJPEG(quality: settings.quality), "jpg")
            : (try result.encodedPNG(), "png")
    }

    private static func ending(_ format: ImageFormat) -> String {
        switch format {
        case .jpeg: "jpg"
        case .numpy: "npy"
        default: format.rawValue
        }
    }
}
