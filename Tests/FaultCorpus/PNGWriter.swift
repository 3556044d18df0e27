import CZlib
import TensorFiles

/// Writes PNG files of every colour type and depth, and wrong ones on purpose.
struct PNGWriter {
    enum ColorType: UInt8 {
        case grey = 0
        case rgb = 2
        case palette = 3
        case greyAlpha = 4
        case rgba = 6

        var channels: Int {
            switch self {
            case .grey, .palette: 1
            case .greyAlpha: 2
            case .rgb: 3
            case .rgba: 4
            }
        }
    }

    var width: Int
    var height: Int
    var colorType = ColorType.rgb
    var bitDepth = 8
    var isInterlaced = false
    var palette: [UInt8] = []
    var transparency: [UInt8] = []
    /// The size that the header claims, where that is another.
    var claimed: (width: Int, height: Int)?

    /// The file of rows made of `sample(row, column, channel)`, 8 or 16 bits each.
    func file(_ sample: (Int, Int, Int) -> Int) -> [UInt8] {
        Self.signature + header + (palette.isEmpty ? [] : Self.chunk("PLTE", palette))
            + (transparency.isEmpty ? [] : Self.chunk("tRNS", transparency))
            + Self.chunk("IDAT", Self.deflated(scanlines(sample))) + Self.chunk("IEND", [])
    }

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Length, name, content, checksum.
    static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let named = Array(name.utf8) + content
        var checksum = Checksum()
        named.withUnsafeBytes { checksum.update($0) }
        return word(content.count) + named + word(Int(checksum.value))
    }

    static func word(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private var header: [UInt8] {
        let size = claimed ?? (width, height)
        return Self.chunk(
            "IHDR",
            Self.word(size.width) + Self.word(size.height)
                + [UInt8(bitDepth), colorType.rawValue, 0, 0, isInterlaced ? 1 : 0])
    }

    /// Each line begins with filter 0; interlaced pictures are seven smaller ones (Adam7).
    private func scanlines(_ sample: (Int, Int, Int) -> Int) -> [UInt8] {
        // First row, first column, step down, step across.
        let passes =
            isInterlaced
            ? [
                (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
                (1, 0, 2, 1),
            ] : [(0, 0, 1, 1)]
        var bytes: [UInt8] = []
        for (top, left, down, across) in passes {
            for row in stride(from: top, to: height, by: down) where left < width {
                bytes.append(0)
                for column in stride(from: left, to: width, by: across) {
                    for channel in 0..<colorType.channels {
                        let value = sample(row, column, channel)
                        if bitDepth == 16 { bytes.append(UInt8(truncatingIfNeeded: value >> 8)) }
                        bytes.append(UInt8(truncatingIfNeeded: value))
                    }
                }
            }
        }
        return bytes
    }

    private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(uLong(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(count))
        guard compress(&result, &count, bytes, uLong(bytes.count)) == Z_OK else { return [] }
        return Array(result.prefix(Int(count)))
    }
}
