/// Appends numbers, texts and lists to bytes, little-endian, lists with their length before them.
struct IndexWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(raw: some Collection<UInt8>) { bytes.append(contentsOf: raw) }

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append<Number: FixedWidthInteger>(_ numbers: [Number]) {
        append(numbers.count)
        #if _endian(little)
            numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            for number in numbers { append(number) }
        #endif
    }

    mutating func append(_ text: String) { append(Array(text.utf8)) }

    mutating func append(_ texts: [String]) {
        append(texts.count)
        for text in texts { append(text) }
    }

    mutating func append(_ list: PathList) {
        append(list.lengths)
        append(list.bytes)
    }

    mutating func append(_ stamps: [EntryStamp]) {
        append(stamps.flatMap { [$0.inode, $0.size, $0.modified, $0.changed] })
    }
}

/// Reads what an `IndexWriter` wrote; every length is checked against what is left.
struct IndexReader {
    private let bytes: [UInt8]
    private var at = 0
    private let name: String
    private let kind: IndexFile.Kind

    init(bytes: [UInt8], name: String, kind: IndexFile.Kind) {
        (self.bytes, self.name, self.kind) = (bytes, name, kind)
    }

    mutating func skip(to offset: Int) { at = min(offset, bytes.count) }

    mutating func raw(_ count: Int) throws -> [UInt8] {
        guard count >= 0, count <= bytes.count - at else { throw damage("ends early") }
        defer { at += count }
        return Array(bytes[at..<at + count])
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= bytes.count - at else { throw damage("ends early") }
        defer { at += size }
        return bytes.withUnsafeBytes {
            Number(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: Number.self))
        }
    }

    mutating func integer() throws -> Int { try number(Int.self) }

    mutating func numbers<Number: FixedWidthInteger>(_: Number.Type) throws -> [Number] {
        let count = try integer()
        let size = MemoryLayout<Number>.size
        guard count >= 0, count <= (bytes.count - at) / size else {
            throw damage("claims \(count) numbers, more than it has")
        }
        defer { at += count * size }
        return bytes.withUnsafeBytes { memory in
            (0..<count).map {
                Number(
                    littleEndian: memory.loadUnaligned(
                        fromByteOffset: at + $0 * size, as: Number.self))
            }
        }
    }

    mutating func text() throws -> String {
        let count = try integer()
        guard let text = String(validating: try raw(count), as: UTF8.self) else {
            throw damage("has a text that is not UTF-8")
        }
        return text
    }

    mutating func texts() throws -> [String] {
        let count = try integer()
        // Each text takes at least the eight bytes of its length.
        guard count >= 0, count <= (bytes.count - at) / 8 else {
            throw damage("claims \(count) texts, more than it has")
        }
        return try (0..<count).map { _ in try text() }
    }

    mutating func paths() throws -> PathList {
        let lengths = try numbers(UInt16.self)
        let count = try integer()
        guard let list = PathList(bytes: try raw(count), lengths: lengths) else {
            throw damage("has names whose lengths do not add up")
        }
        return list
    }

    mutating func stamps() throws -> [EntryStamp] {
        let fields = try numbers(Int.self)
        guard fields.count % 4 == 0 else { throw damage("has a cut list of stamps") }
        return stride(from: 0, to: fields.count, by: 4).map {
            EntryStamp(
                inode: fields[$0], size: fields[$0 + 1], modified: fields[$0 + 2],
                changed: fields[$0 + 3])
        }
    }

    func expectEnd() throws {
        guard at == bytes.count else { throw damage("has \(bytes.count - at) bytes too many") }
    }

    func damage(_ problem: String) -> DataError { IndexFile.damage(name, kind, problem) }
}
