import CZlib

extension ZipArchive {
    /// Deflated entries above this size may be at most `ratioLimit` times their stored size.
    static let ratioFreeSize = 1 << 20
    static let ratioLimit = 200

    /// The bytes of an entry: in place where it is stored, unpacked where it is deflated.
    ///
    /// `budget` is what may still be unpacked from this file, in bytes.
    func bytes(of entry: Entry, budget: inout Int) throws(TensorFileError) -> ByteSlice {
        func failure(
            _ kind: TensorFileError.Kind, _ problem: String, _ remedy: String
        ) -> TensorFileError {
            TensorFileError(
                kind, file: file, place: entry.name.quotedForMessage(), problem: problem,
                remedy: remedy)
        }
        guard !entry.isEncrypted else {
            throw failure(
                .unsupported, "is encrypted", "unpack the file and zip it without password")
        }
        let stored = try storedBytes(of: entry)
        switch entry.method {
        case 0: return stored
        case 8: break
        default:
            throw failure(
                .unsupported, "is packed by method \(entry.method), known are 0 and 8",
                "save it again with torch.save")
        }
        guard
            entry.size <= Self.ratioFreeSize
                || entry.size / Self.ratioLimit <= entry.storedSize
        else {
            throw failure(
                .limit,
                "unpacks from \(entry.storedSize) to \(entry.size) bytes, at most "
                    + "\(Self.ratioLimit) times are allowed",
                "this is a zip bomb: do not trust the file")
        }
        guard entry.size <= budget else {
            throw failure(
                .limit, "unpacks to \(entry.size) bytes, \(budget) are allowed",
                "store the records without packing, as torch.save does")
        }
        budget -= entry.size
        guard let bytes = Inflate.bytes(stored, size: entry.size) else {
            throw failure(
                .malformed, "does not unpack to its \(entry.size) bytes",
                "the file is damaged: fetch or save it again")
        }
        try verify(entry, bytes)
        return bytes
    }

    /// Compares an entry's bytes with the checksum of the directory.
    func verify(_ entry: Entry, _ bytes: ByteSlice) throws(TensorFileError) {
        var found = Checksum()
        bytes.withUnsafeBytes { found.update($0) }
        guard found.value == entry.checksum else {
            throw TensorFileError(
                .checksum, file: file, place: entry.name.quotedForMessage(),
                problem: "has checksum \(found.hexadecimal), the archive recorded another",
                remedy: "the file is damaged: fetch or save it again")
        }
    }
}

/// The unpacking of raw deflate data, by zlib.
enum Inflate {
    /// Exactly `size` bytes, or nil where the data are damaged or give any other number.
    static func bytes(_ packed: ByteSlice, size: Int) -> ByteSlice? {
        struct Damaged: Error {}
        let storage = try? ByteStorage(count: size) { target throws(Damaged) in
            guard packed.withUnsafeBytes({ inflate($0, into: target) }) else { throw Damaged() }
        }
        return storage.map { ByteSlice($0) }
    }

    private static func inflate(
        _ packed: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) -> Bool {
        var stream = z_stream()
        // Negative: no header around the deflate data.
        guard
            inflateInit2_(
                &stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return false }
        defer { inflateEnd(&stream) }
        // Counters of zlib have 32 bits: feed and drain in pieces.
        let piece = 1 << 30
        var input = 0
        var output = 0
        var overflow: UInt8 = 0
        while true {
            let inputCount = min(packed.count - input, piece)
            let outputCount = min(target.count - output, piece)
            stream.next_in = UnsafeMutablePointer(
                mutating: packed.baseAddress.map {
                    ($0 + input).assumingMemoryBound(to: UInt8.self)
                })
            stream.avail_in = UInt32(inputCount)
            stream.avail_out = UInt32(max(outputCount, 1))
            // A full target still needs room for zlib to find the end of the data.
            let code = withUnsafeMutablePointer(to: &overflow) { spare in
                stream.next_out =
                    outputCount > 0
                    ? (target.baseAddress.map {
                        ($0 + output).assumingMemoryBound(to: UInt8.self)
                    }) : spare
                return CZlib.inflate(&stream, Z_NO_FLUSH)
            }
            let consumed = inputCount - Int(stream.avail_in)
            let produced = max(outputCount, 1) - Int(stream.avail_out)
            if outputCount == 0, produced > 0 { return false }
            input += consumed
            output += produced
            if code == Z_STREAM_END { return output == target.count && input == packed.count }
            guard code == Z_OK, consumed > 0 || produced > 0 else { return false }
        }
    }
}
