/// The directory of a zip file in memory (PKWARE APPNOTE 6.3, with zip64).
///
/// Every entry is checked when the archive is opened: it lies inside the file, before the
/// directory, overlaps no other entry, and its local header agrees with the directory. Nothing is
/// ever extracted to disk, so names are only names.
struct ZipArchive {
    struct Entry {
        let name: String
        /// 0 stored, 8 deflated; others are refused when the entry is read.
        let method: UInt16
        let isEncrypted: Bool
        let checksum: UInt32
        let storedSize: Int
        let size: Int
        let headerOffset: Int
        var dataOffset = 0
    }

    let file: String
    /// In the order of the directory.
    private(set) var entries: [Entry] = []
    private var places: [String: Int] = [:]
    private let contents: ByteSlice

    init(_ contents: ByteSlice, file: String) throws(TensorFileError) {
        self.contents = contents
        self.file = file
        let directory = try locateDirectory()
        try readDirectory(directory)
        try checkEntries(before: directory.offset)
    }

    subscript(name: String) -> Entry? { places[name].map { entries[$0] } }

    /// The stored bytes of an entry, still packed where it is deflated.
    func storedBytes(of entry: Entry) throws(TensorFileError) -> ByteSlice {
        guard let bytes = contents.slice(at: entry.dataOffset, count: entry.storedSize) else {
            throw failure("lies outside the file", entry.name)
        }
        return bytes
    }

    // MARK: The directory

    private struct Directory {
        var offset: Int
        var size: Int
        var count: Int
    }

    /// Finds the record that ends the file and says where the directory is.
    private func locateDirectory() throws(TensorFileError) -> Directory {
        let longestComment = 65535
        let first = max(contents.count - 22 - longestComment, 0)
        var at = contents.count - 22
        while at >= first {
            if u32(at) == 0x0605_4B50, at + 22 + Int(u16(at + 20) ?? 0) == contents.count { break }
            at -= 1
        }
        guard at >= first, at >= 0 else {
            throw TensorFileError(
                .truncated, file: file, problem: "is a zip file without its directory",
                remedy: "it was not copied or saved completely: fetch or save it again")
        }
        guard u16(at + 4) == 0, u16(at + 6) == 0, u16(at + 8) == u16(at + 10) else {
            throw TensorFileError(
                .unsupported, file: file, problem: "is one part of a zip file in several parts",
                remedy: "join the parts first")
        }
        var directory = Directory(
            offset: Int(u32(at + 16) ?? 0), size: Int(u32(at + 12) ?? 0),
            count: Int(u16(at + 10) ?? 0))
        var end = at
        // The zip64 locator, where there is one, stands right before.
        if u32(at - 20) == 0x0706_4B50, let place = int64(at - 12), u32(place) == 0x0606_4B50,
            place < at, let count = int64(place + 32), let size = int64(place + 40),
            let offset = int64(place + 48)
        {
            directory = Directory(offset: offset, size: size, count: count)
            end = place
        }
        guard directory.offset <= end, directory.size <= end - directory.offset,
            directory.count <= directory.size / 46
        else { throw failure("has a directory outside the file", nil) }
        return directory
    }

    private mutating func readDirectory(_ directory: Directory) throws(TensorFileError) {
        var at = directory.offset
        let end = directory.offset + directory.size
        entries.reserveCapacity(directory.count)
        for _ in 0..<directory.count {
            guard at + 46 <= end, u32(at) == 0x0201_4B50, let flags = u16(at + 8),
                let method = u16(at + 10), let checksum = u32(at + 16), let stored = u32(at + 20),
                let size = u32(at + 24), let nameSize = u16(at + 28),
                let extraSize = u16(at + 30), let commentSize = u16(at + 32),
                let offset = u32(at + 42)
            else { throw failure("has a damaged directory", nil) }
            let next = at + 46 + Int(nameSize) + Int(extraSize) + Int(commentSize)
            guard next <= end, let name = text(at: at + 46, count: Int(nameSize)) else {
                throw failure("has a damaged directory", nil)
            }
            var sizes = [Int(size), Int(stored), Int(offset)]
            try widen(&sizes, extraAt: at + 46 + Int(nameSize), count: Int(extraSize), name)
            guard places.updateValue(entries.count, forKey: name) == nil else {
                throw failure("is in the archive twice", name)
            }
            entries.append(
                Entry(
                    name: name, method: method, isEncrypted: flags & 1 != 0, checksum: checksum,
                    storedSize: sizes[1], size: sizes[0], headerOffset: sizes[2]))
            at = next
        }
    }

    /// Replaces each size that is all ones by its 64-bit form in the extra field.
    private func widen(
        _ sizes: inout [Int], extraAt start: Int, count: Int, _ name: String
    ) throws(TensorFileError) {
        let wide = sizes.indices.filter { sizes[$0] == 0xFFFF_FFFF }
        guard !wide.isEmpty else { return }
        var at = start
        while at + 4 <= start + count, let id = u16(at), let length = u16(at + 2) {
            if id == 1, Int(length) >= wide.count * 8, at + 4 + Int(length) <= start + count {
                for (index, target) in wide.enumerated() {
                    guard let value = int64(at + 4 + index * 8) else {
                        throw failure("has an impossible size", name)
                    }
                    sizes[target] = value
                }
                return
            }
            at += 4 + Int(length)
        }
        // Without the field, the value itself is meant; whether it fits is checked next.
    }

    /// Finds each entry's data behind its local header, and compares neighbours.
    private mutating func checkEntries(before directoryOffset: Int) throws(TensorFileError) {
        for index in entries.indices {
            let entry = entries[index]
            let at = entry.headerOffset
            guard at <= directoryOffset - 30, u32(at) == 0x0403_4B50, let method = u16(at + 8),
                let nameSize = u16(at + 26), let extraSize = u16(at + 28)
            else { throw failure("has no local header where the directory says", entry.name) }
            guard method == entry.method, text(at: at + 30, count: Int(nameSize)) == entry.name,
                localNumbersAgree(entry)
            else { throw failure("has a local header that contradicts the directory", entry.name) }
            let start = at + 30 + Int(nameSize) + Int(extraSize)
            guard start <= directoryOffset, entry.storedSize <= directoryOffset - start else {
                throw failure("lies outside the file", entry.name)
            }
            guard entry.method != 0 || entry.storedSize == entry.size else {
                throw failure(
                    "is stored in \(entry.storedSize) bytes but has \(entry.size)", entry.name)
            }
            entries[index].dataOffset = start
        }
        let byPlace = entries.sorted { $0.headerOffset < $1.headerOffset }
        for (entry, next) in zip(byPlace, byPlace.dropFirst())
        where entry.dataOffset + entry.storedSize > next.headerOffset {
            throw failure("overlaps \(next.name.quotedForMessage())", entry.name)
        }
    }

    /// A local header says what the directory says, or leaves it to the directory.
    ///
    /// Programs that go through the local headers would else read other files than this one does.
    private func localNumbersAgree(_ entry: Entry) -> Bool {
        let at = entry.headerOffset
        guard let flags = u16(at + 6), let checksum = u32(at + 14), let stored = u32(at + 18),
            let size = u32(at + 22), (flags & 1 != 0) == entry.isEncrypted
        else { return false }
        func agrees(_ local: UInt32, _ expected: Int) -> Bool {
            local == .max || Int(local) == expected || (local == 0 && flags & 8 != 0)
        }
        return (checksum == entry.checksum || (checksum == 0 && flags & 8 != 0))
            && agrees(stored, entry.storedSize) && agrees(size, entry.size)
    }

    // MARK: Fields, nil outside the file

    private func u16(_ at: Int) -> UInt16? { integer(at) }

    private func u32(_ at: Int) -> UInt32? { integer(at) }

    private func int64(_ at: Int) -> Int? {
        let value: UInt64? = integer(at)
        return value.flatMap { Int(exactly: $0) }
    }

    private func integer<T: FixedWidthInteger>(_ at: Int) -> T? {
        contents.slice(at: at, count: T.bitWidth / 8)?.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(as: T.self))
        }
    }

    private func text(at: Int, count: Int) -> String? {
        contents.slice(at: at, count: count)?.withUnsafeBytes {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func failure(_ problem: String, _ name: String?) -> TensorFileError {
        TensorFileError(
            .malformed, file: file, place: name.map { $0.quotedForMessage() }, problem: problem,
            remedy: "the file is damaged: fetch or save it again")
    }
}
