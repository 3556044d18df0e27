import CZlib
import TensorFiles

/// Builds zip files, honest ones and others.
enum ZipBytes {
    struct Entry {
        var name: String
        var contents: [UInt8]
        var isDeflated = false
        /// What the directory says, where that is a lie.
        var claimedSize: Int?
        var claimedChecksum: UInt32?
        var method: UInt16?
        var flags: UInt16 = 0
        /// What the local header says, where it is not what the directory says.
        var localName: String?
        var localSize: Int?
        var localChecksum: UInt32?
        var localFlags: UInt16?
    }

    /// `wide` writes the sizes as zip64 extra fields and adds the zip64 end record.
    static func archive(
        _ entries: [Entry], wide: Bool = false, comment: [UInt8] = []
    ) -> [UInt8] {
        func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
        }
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let packed = entry.isDeflated ? deflated(entry.contents) : entry.contents
            let size = entry.claimedSize ?? entry.contents.count
            var checksum = Checksum()
            entry.contents.withUnsafeBytes { checksum.update($0) }
            let crc = entry.claimedChecksum ?? checksum.value
            let method = entry.method ?? (entry.isDeflated ? 8 : 0)
            let offset = bytes.count
            let shared = le(entry.flags) + le(method) + le(UInt32(0)) + le(crc)
            let name = Array(entry.name.utf8)
            let localName = Array((entry.localName ?? entry.name).utf8)
            bytes += le(UInt32(0x0403_4B50)) + le(UInt16(20))
            bytes += le(entry.localFlags ?? entry.flags) + le(method) + le(UInt32(0))
            bytes += le(entry.localChecksum ?? crc) + le(UInt32(packed.count))
            bytes += le(UInt32(entry.localSize ?? size)) + le(UInt16(localName.count))
            bytes += le(UInt16(0)) + localName + packed
            let extra =
                wide
                ? le(UInt16(1)) + le(UInt16(24)) + le(UInt64(size)) + le(UInt64(packed.count))
                    + le(UInt64(offset)) : []
            directory += le(UInt32(0x0201_4B50)) + le(UInt16(20)) + le(UInt16(20)) + shared
            directory +=
                wide ? le(UInt32.max) + le(UInt32.max) : le(UInt32(packed.count)) + le(UInt32(size))
            directory += le(UInt16(name.count)) + le(UInt16(extra.count)) + le(UInt16(0))
            directory += le(UInt16(0)) + le(UInt16(0)) + le(UInt32(0))
            directory += le(wide ? UInt32.max : UInt32(offset)) + name + extra
        }
        let start = bytes.count
        bytes += directory
        if wide {
            let end = bytes.count
            bytes += le(UInt32(0x0606_4B50)) + le(UInt64(44)) + le(UInt16(45)) + le(UInt16(45))
            bytes += le(UInt32(0)) + le(UInt32(0)) + le(UInt64(entries.count))
            bytes += le(UInt64(entries.count)) + le(UInt64(directory.count)) + le(UInt64(start))
            bytes += le(UInt32(0x0706_4B50)) + le(UInt32(0)) + le(UInt64(end)) + le(UInt32(1))
        }
        bytes += le(UInt32(0x0605_4B50)) + le(UInt16(0)) + le(UInt16(0))
        bytes += le(UInt16(entries.count)) + le(UInt16(entries.count))
        bytes +=
            wide ? le(UInt32.max) + le(UInt32.max) : le(UInt32(directory.count)) + le(UInt32(start))
        return bytes + le(UInt16(comment.count)) + comment
    }

    static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 8 + 64)
        let count = output.count
        input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(count)
                _ = deflate(&stream, Z_FINISH)
            }
        }
        return Array(output[..<(count - Int(stream.avail_out))])
    }

    /// The archive with the checksums of its stored entries put right in both headers.
    static func withTrueChecksums(_ archive: [UInt8]) -> [UInt8] {
        var bytes = archive
        func number(_ at: Int, _ count: Int) -> Int? {
            guard at >= 0, at + count <= bytes.count else { return nil }
            return bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard
            let end = (0..<max(bytes.count - 21, 0)).last(where: { number($0, 4) == 0x0605_4B50 }),
            let count = number(end + 10, 2), var at = number(end + 16, 4)
        else { return bytes }
        for _ in 0..<count {
            guard number(at, 4) == 0x0201_4B50, let size = number(at + 20, 4),
                let nameSize = number(at + 28, 2), let extraSize = number(at + 30, 2),
                let commentSize = number(at + 32, 2), let header = number(at + 42, 4),
                let localName = number(header + 26, 2), let localExtra = number(header + 28, 2)
            else { return bytes }
            let start = header + 30 + localName + localExtra
            guard start + size <= bytes.count else { return bytes }
            var checksum = Checksum()
            bytes[start..<start + size].withUnsafeBytes { checksum.update($0) }
            let field = withUnsafeBytes(of: checksum.value.littleEndian) { [UInt8]($0) }
            bytes.replaceSubrange(at + 16..<at + 20, with: field)
            if number(header + 14, 4) != 0 {
                bytes.replaceSubrange(header + 14..<header + 18, with: field)
            }
            at += 46 + nameSize + extraSize + commentSize
        }
        return bytes
    }
}
