/// Cuts in JPEG files, by their markers.
struct JPEGSurgery {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Where the marker `FF kind` of a segment is, counted from `start`.
    func place(of kind: UInt8, after start: Int = 2) -> Int? {
        var at = start
        while at + 4 <= bytes.count {
            guard bytes[at] == 0xFF, bytes[at + 1] != 0, bytes[at + 1] != 0xFF else {
                at += 1
                continue
            }
            if bytes[at + 1] == kind { return at }
            // Entropy-coded data follow a scan's header; in them FF is followed by 0.
            at += 2 + Int(bytes[at + 2]) << 8 + Int(bytes[at + 3])
        }
        return nil
    }

    /// Start of frame: of the baseline or the progressive process.
    var frame: Int { place(of: 0xC0) ?? place(of: 0xC2) ?? 0 }

    /// The first byte of entropy-coded data.
    var scan: Int {
        guard let at = place(of: 0xDA) else { return bytes.count }
        return at + 2 + Int(bytes[at + 2]) << 8 + Int(bytes[at + 3])
    }

    func with(_ values: [UInt8], at place: Int) -> [UInt8] {
        var result = bytes
        result.replaceSubrange(place..<place + values.count, with: values)
        return result
    }

    /// A file of another size than its data.
    func claiming(width: Int, height: Int) -> [UInt8] {
        with(
            [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }, at: frame + 5)
    }

    /// A segment put behind the start-of-image marker.
    func inserting(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count + 2
        return Array(bytes.prefix(2))
            + [0xFF, kind, UInt8(length >> 8), UInt8(length & 255)] + content + bytes.dropFirst(2)
    }

    /// The last scan `count` times more.
    func repeatingLastScan(_ count: Int) -> [UInt8] {
        var last = 2
        while let next = place(of: 0xDA, after: last + 1) { last = next }
        let body = bytes[last..<bytes.count - 2]
        var result = Array(bytes.dropLast(2))
        for _ in 0..<count { result += body }
        return result + [0xFF, 0xD9]
    }
}
