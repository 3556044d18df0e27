/// The regular files of a tar archive in memory, by name without a leading `./`.
struct TarArchive {
    private(set) var files: [String: ByteSlice] = [:]
    /// What is in the archive beside files, by name: links, folders.
    private(set) var others: [String: String] = [:]

    /// Entries of a checkpoint are four; more than this is no checkpoint.
    private static let entryLimit = 1000

    static func isTar(_ contents: ByteSlice) -> Bool {
        contents.slice(at: 257, count: 5)?.array == Array("ustar".utf8)
    }

    init(_ contents: ByteSlice, file: String) throws(TensorFileError) {
        func failure(_ kind: TensorFileError.Kind, _ at: Int, _ problem: String) -> TensorFileError
        {
            TensorFileError(
                kind, file: file, place: "byte \(at)", problem: problem,
                remedy: "the archive is damaged: fetch or save it again")
        }
        var at = 0
        for _ in 0..<Self.entryLimit {
            guard let header = contents.slice(at: at, count: 512)?.array,
                header.contains(where: { $0 != 0 })
            else { return }
            guard let size = Self.number(header[124..<136]),
                let recorded = Self.number(header[148..<156])
            else { throw failure(.malformed, at, "has a tar header with a damaged number") }
            // The checksum is taken with spaces in its own place.
            let sum = header.enumerated().reduce(0) { sum, item in
                sum + ((148..<156).contains(item.offset) ? 32 : Int(item.element))
            }
            guard sum == recorded else {
                throw failure(.checksum, at, "has a tar header with a wrong checksum")
            }
            guard let data = contents.slice(at: at + 512, count: size) else {
                throw failure(.truncated, at, "has a tar entry of \(size) bytes beyond the end")
            }
            var name = String(decoding: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
            if name.hasPrefix("./") { name.removeFirst(2) }
            let kind = header[156]
            if kind == 0 || kind == UInt8(ascii: "0") {
                guard files.updateValue(data, forKey: name) == nil else {
                    throw failure(.malformed, at, "has \(name.quotedForMessage()) twice")
                }
            }
            if let other = Self.otherKinds[kind] { others[name] = other }
            at += 512 + (size + 511) / 512 * 512
        }
        throw failure(.limit, at, "has more than \(Self.entryLimit) entries")
    }

    private static let otherKinds: [UInt8: String] = [
        UInt8(ascii: "1"): "a link", UInt8(ascii: "2"): "a link", UInt8(ascii: "3"): "a device",
        UInt8(ascii: "4"): "a device", UInt8(ascii: "5"): "a folder", UInt8(ascii: "6"): "a pipe",
    ]

    /// An octal number with spaces or zero bytes around it.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        let text = String(decoding: field.filter { $0 != 0 && $0 != 32 }, as: UTF8.self)
        guard !text.isEmpty, let value = Int(text, radix: 8), value >= 0, value < 1 << 50 else {
            return nil
        }
        return value
    }
}
