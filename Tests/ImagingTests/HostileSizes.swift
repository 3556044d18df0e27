import Imaging

/// Small files whose headers claim what their data do not hold.
enum HostileSizes {
    static func bytes(_ value: Int, _ count: Int, isBigEndian: Bool = false) -> [UInt8] {
        (0..<count).map {
            UInt8(truncatingIfNeeded: value >> (8 * (isBigEndian ? count - 1 - $0 : $0)))
        }
    }

    static func png(_ width: Int, _ height: Int) -> [UInt8] {
        PNGWriter.file(width: width, height: height, bitDepth: 8, colourType: 2, rows: [])
    }

    static func jpeg(_ width: Int, _ height: Int, progressive: Bool = false) throws -> [UInt8] {
        var file = try gradient(width: 8, height: 8, channels: 3).encodedJPEG(
            progressive: progressive)
        let marker: [UInt8] = [0xFF, progressive ? 0xC2 : 0xC0]
        let place = (0..<file.count - 1).first {
            file[$0] == marker[0] && file[$0 + 1] == marker[1]
        }
        file.replaceSubrange(
            (place ?? 0) + 5..<(place ?? 0) + 9,
            with: bytes(height, 2, isBigEndian: true) + bytes(width, 2, isBigEndian: true))
        return file
    }

    /// A lossless WebP, whose sides have 14 bits.
    static func webp(_ width: Int, _ height: Int) -> [UInt8] {
        let size = (width - 1) | (height - 1) << 14
        return riff(chunk("VP8L", [0x2F] + bytes(size, 4) + [UInt8](repeating: 0, count: 16)))
    }

    /// An animation, whose canvas has sides of 24 bits.
    static func animatedWebP(_ width: Int, _ height: Int) -> [UInt8] {
        let canvas = bytes(width - 1, 3) + bytes(height - 1, 3)
        let picture = chunk(
            "VP8L", [0x2F] + bytes(7 | 7 << 14, 4) + [UInt8](repeating: 0, count: 15))
        let frame: [UInt8] = [0, 0, 0, 0, 0, 0, 7, 0, 0, 7, 0, 0, 50, 0, 0, 0]
        return riff(
            chunk("VP8X", [2, 0, 0, 0] + canvas) + chunk("ANIM", [0, 0, 0, 0, 0, 0])
                + chunk("ANMF", frame + picture))
    }

    private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        Array(name.utf8) + bytes(content.count, 4) + content + (content.count % 2 == 1 ? [0] : [])
    }

    private static func riff(_ chunks: [UInt8]) -> [UInt8] {
        Array("RIFF".utf8) + bytes(chunks.count + 4, 4) + Array("WEBP".utf8) + chunks
    }

    static func gif(_ width: Int, _ height: Int) -> [UInt8] {
        let size = bytes(width, 2) + bytes(height, 2)
        return Array("GIF89a".utf8) + size + [0x80, 0, 0] + [0, 0, 0, 255, 255, 255]
            + [0x2C, 0, 0, 0, 0] + size + [0, 2, 2, 0x4C, 0x01, 0, 0x3B]
    }

    static func bmp(_ width: Int, _ height: Int, bits: Int = 24, compression: Int = 0) -> [UInt8] {
        let start = bits > 8 ? 54 : 54 + 4 << bits
        return Array("BM".utf8) + bytes(start, 4) + [0, 0, 0, 0] + bytes(start, 4) + bytes(40, 4)
            + bytes(width, 4) + bytes(height, 4) + [1, 0] + bytes(bits, 2) + bytes(compression, 4)
            + [UInt8](repeating: 0, count: start - 34) + [1, 2, 3, 0, 0, 1]
    }

    /// Tags of the first picture, each a number; the strip lies in front of them.
    static func tiff(_ tags: [Int: Int]) -> [UInt8] {
        var all = [256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64]
        all.merge(tags) { $1 }
        // Tiles take the place of strips.
        if all[322] != nil { for tag in [273, 278, 279] { all[tag] = nil } }
        let entries = all.sorted { $0.key < $1.key }
        var file: [UInt8] = [0x49, 0x49, 42, 0] + bytes(72, 4) + [UInt8](repeating: 9, count: 64)
        file += bytes(entries.count, 2)
        for (tag, value) in entries {
            file += bytes(tag, 2) + bytes(4, 2) + bytes(1, 4) + bytes(value, 4)
        }
        return file + [0, 0, 0, 0]
    }

    static func numpy(_ height: Int, _ width: Int, _ channels: Int = 3) -> [UInt8] {
        NumpyPictureTests.file("|u1", "(\(height), \(width), \(channels))", [])
    }
}
