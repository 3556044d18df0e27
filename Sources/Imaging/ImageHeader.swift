import CCodecs

/// What is known of an encoded picture before its pixels are decoded.
public struct ImageHeader: Sendable, Equatable {
    /// How a file stores colour.
    public enum ColorModel: String, Sendable, CaseIterable {
        case grey
        case rgb
        case palette
        case cmyk
        case ycck
        case other
    }

    public let format: ImageFormat
    /// Width and height after decoding, which turns a picture only if told to.
    public let width: Int
    public let height: Int
    /// Channels after decoding: 1 for grey pictures, 3 for all others, unless the decoder is to keep
    /// what is stored.
    public let channels: Int
    /// Bits of a stored sample: 1, 2, 4, 8, 16 ...
    public let bitDepth: Int
    public let colorModel: ColorModel
    public let hasAlpha: Bool
    /// EXIF's orientation, 1 (upright) to 8.
    public let orientation: Int
    /// Whether other pictures follow the first, the only one that is decoded.
    public let isAnimated: Bool

    public var size: PixelSize { PixelSize(height: height, width: width) }
}

extension ImageHeader {
    init(_ header: cc_header, _ format: ImageFormat, turned: Bool) {
        self.format = format
        let isTransposed = turned && header.orientation >= 5
        width = Int(isTransposed ? header.height : header.width)
        height = Int(isTransposed ? header.width : header.height)
        channels = Int(header.channels)
        bitDepth = Int(header.bit_depth)
        colorModel =
            switch Int(header.model) {
            case CC_GREY: .grey
            case CC_RGB: .rgb
            case CC_PALETTE: .palette
            case CC_CMYK: .cmyk
            case CC_YCCK: .ycck
            default: .other
            }
        hasAlpha = header.has_alpha != 0
        orientation = Int(header.orientation)
        isAnimated = header.has_more != 0
    }
}
