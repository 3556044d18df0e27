import TensorFiles

/// A file format, known by its first bytes, never by the name of the file.
public enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg
    case png
    case webp
    case tiff
    case gif
    case bmp
    /// An array that `numpy.save` wrote.
    case numpy

    /// The format of encoded bytes, if it is one of ours.
    public static func detect(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            return .webp
        }
        if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) { return .gif }
        if bytes.starts(with: NumpyHeader.magic) { return .numpy }
        // Both byte orders, and BigTIFF.
        for mark: [UInt8] in [[0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42]]
            + [[0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43]] where bytes.starts(with: mark)
        {
            return .tiff
        }
        // Two letters are little; the length of the second header follows the first, 14 bytes.
        if bytes.starts(with: "BM".utf8), bytes.count > 17,
            [12, 40, 52, 56, 64, 108, 124].contains(bytes[14]),
            bytes[15...17].allSatisfy({ $0 == 0 })
        {
            return .bmp
        }
        return nil
    }
}
