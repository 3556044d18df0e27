import CZlib
import Imaging

extension StoredPicture {
    /// The bytes of a picture in the encoded form.
    func withEncodedBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<byteCount])) }
    }

    /// The CRC-32 of what the source stores: the file, or the pixels where it keeps those.
    var checksum: UInt32 {
        func crc(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
            UInt32(
                truncatingIfNeeded: crc32_z(
                    0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
        }
        return form == .encoded
            ? withEncodedBytes(crc) : pixels.withUnsafeBytes { crc(UnsafeRawBufferPointer($0)) }
    }

    /// Whether both hold the same bytes, or the same pixels.
    func isIdentical(to other: StoredPicture) -> Bool {
        guard form == other.form else { return false }
        guard form == .encoded else { return pixels == other.pixels }
        return withEncodedBytes { mine in
            other.withEncodedBytes { mine.elementsEqual($0) }
        }
    }
}

extension ImageFormat {
    /// Endings of files of the format, in lower case; nil where any will do.
    var endings: Set<String>? { Self.endings[rawValue] }

    private static let endings: [String: Set<String>] = [
        "jpeg": ["jpg", "jpeg", "jpe", "jfif"], "png": ["png"], "webp": ["webp"], "gif": ["gif"],
        "bmp": ["bmp", "dib"], "tiff": ["tif", "tiff"], "numpy": ["npy"],
    ]
}
