/// Goes through the members of a tar archive, reading their headers alone.
struct TarReader {
    /// A regular file within the archive.
    struct Member: Equatable {
        /// As the archive has it: a name for messages and grouping, never a path to open.
        var name: String
        var offset: Int
        var size: Int
    }

    /// How the archive ends, or where reading it ended.
    enum Ending: Equatable {
        /// With the mark that writers put there.
        case marked
        /// Between two members, without a mark.
        case unmarked
        /// Within a member, whose name is known if its header is whole.
        case cut(at: Int, name: String?)
        /// Where something is no member.
        case damaged(at: Int, String)
    }

    private let file: ReadableFile
    private var at = 0
    private(set) var ending: Ending?
    /// Sparse files, which are not read.
    private(set) var sparseCount = 0
    /// Part of the file: the last header and what follows it, which is often the next one too.
    private var window = [UInt8](repeating: 0, count: 4096)
    private var windowStart = 0
    private var windowCount = 0

    /// Most bytes of records about one member.
    private static let largestRecords = 1 << 20

    init(_ file: ReadableFile) { self.file = file }

    /// The next file that lies in the archive whole; nil at its end, of which `ending` tells more.
    ///
    /// - Throws: `DataError` if the disk fails; whatever the bytes are, they are no error.
    mutating func next() throws -> Member? {
        var longName: String?
        var records = TarRecords()
        while ending == nil {
            let start = at
            guard var header = try header() else { return nil }
            let data = start + TarHeader.size
            if header.kind == .file, let size = records.size, size <= TarHeader.largest {
                header.dataSize = size
            }
            guard header.dataSize <= file.size - data else {
                ending = .cut(at: start, name: records.path ?? longName ?? header.name)
                return nil
            }
            // The padding of the last member may be missing.
            at = data + header.step
            switch header.kind {
            case .file:
                let name = records.path ?? longName ?? header.name
                return Member(name: name, offset: data, size: header.dataSize)
            case .longName:
                guard header.dataSize <= TarHeader.longestName else {
                    ending = .damaged(at: start, "has a name of \(header.dataSize) bytes")
                    return nil
                }
                let bytes = try file.bytes(at: data, count: header.dataSize)
                longName = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                continue
            case .records:
                guard header.dataSize <= Self.largestRecords else {
                    ending = .damaged(at: start, "has \(header.dataSize) bytes of records")
                    return nil
                }
                records = TarRecords(try file.bytes(at: data, count: header.dataSize))
                continue
            case .sparse(let hasMoreMaps):
                sparseCount += 1
                if hasMoreMaps { try skipMaps(from: data, header.step) }
            case .bare, .other: break
            }
            (longName, records) = (nil, TarRecords())
        }
        return nil
    }

    /// `count` bytes of a member, from the window if they are in it.
    mutating func contents(of member: Member) throws -> [UInt8] {
        guard let range = try bytes(at: member.offset, count: member.size) else {
            return try file.bytes(at: member.offset, count: member.size)
        }
        return Array(window[range])
    }

    private mutating func header() throws -> TarHeader? {
        let start = at
        guard start < file.size else {
            ending = .unmarked
            return nil
        }
        guard let range = try bytes(at: start, count: TarHeader.size) else {
            ending = .cut(at: start, name: nil)
            return nil
        }
        do {
            let header = try window.withUnsafeBytes { memory throws(TarFault) in
                try TarHeader(UnsafeRawBufferPointer(rebasing: memory[range]))
            }
            if header == nil { ending = .marked }
            return header
        } catch let fault as TarFault {
            ending = .damaged(at: start, fault.problem)
            return nil
        }
    }

    /// Where in the window the bytes of a place are, after reading if need be; nil if they do not
    /// fit in it or the file has fewer.
    private mutating func bytes(at offset: Int, count: Int) throws -> Range<Int>? {
        guard count <= window.count, count <= file.size - offset else { return nil }
        if offset < windowStart || offset + count > windowStart + windowCount {
            windowStart = offset
            windowCount = try window.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
            guard count <= windowCount else { return nil }
        }
        return offset - windowStart..<offset - windowStart + count
    }

    /// Passes over the blocks that list where a sparse file's pieces go.
    private mutating func skipMaps(from data: Int, _ step: Int) throws {
        var block = data
        while let range = try bytes(at: block, count: TarHeader.size) {
            block += TarHeader.size
            if window[range.lowerBound + 504] == 0 { break }
        }
        at = block + step
    }
}

/// The records of POSIX.1-2001 that change how the next member is read: `length key=value\n`.
struct TarRecords: Equatable {
    var path: String?
    var size: Int?

    init() {}

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while let space = rest.firstIndex(of: UInt8(ascii: " ")),
            let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
            length > space - rest.startIndex + 1, length <= rest.count
        {
            let record = rest[(space + 1)..<(rest.startIndex + length)]
            rest = rest[(rest.startIndex + length)...]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")),
                record.last == UInt8(ascii: "\n")
            else { continue }
            let value = String(decoding: record[(equals + 1)...].dropLast(), as: UTF8.self)
            switch String(decoding: record[..<equals], as: UTF8.self) {
            case "path" where value.utf8.count <= TarHeader.longestName: path = value
            case "size": size = Int(value).flatMap { $0 >= 0 ? $0 : nil }
            default: break
            }
        }
    }
}
