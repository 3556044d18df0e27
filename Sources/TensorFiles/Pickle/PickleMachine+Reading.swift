import Glibc

// The arguments of opcodes: bytes, numbers, lines, texts.
extension PickleMachine {
    mutating func readByte() throws(TensorFileError) -> UInt8 {
        guard position < bytes.count else { throw failure(.truncated, "ends before its STOP") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func readRaw<T: FixedWidthInteger>(_: T.Type) throws(TensorFileError) -> T {
        let size = T.bitWidth / 8
        guard bytes.count - position >= size else {
            throw failure(.truncated, "ends inside a number")
        }
        defer { position += size }
        return bytes.loadUnaligned(fromByteOffset: position, as: T.self)
    }

    mutating func readInteger<T: FixedWidthInteger>(_: T.Type) throws(TensorFileError) -> T {
        T(littleEndian: try readRaw(T.self))
    }

    /// A count of bytes that follow, written in 4 or 8 bytes.
    mutating func readLength(_ size: Int) throws(TensorFileError) -> Int {
        let length =
            size == 4 ? UInt64(try readInteger(UInt32.self)) : try readInteger(UInt64.self)
        guard length <= UInt64(bytes.count - position) else {
            throw failure(
                .truncated,
                "announces \(length) bytes where \(bytes.count - position) are left")
        }
        return Int(length)
    }

    mutating func readSlice(_ count: Int) throws(TensorFileError) -> ByteSlice {
        guard let slice = source.slice(at: position, count: count) else {
            throw failure(
                .truncated, "announces \(count) bytes where \(bytes.count - position) are left")
        }
        position += count
        return slice
    }

    mutating func readText(_ count: Int) throws(TensorFileError) -> String {
        let text = try readSlice(count)
        return text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// A text of Python 2: bytes where it is not valid UTF-8.
    mutating func readOldText(_ count: Int) throws(TensorFileError) -> PickleNode {
        let slice = try readSlice(count)
        let text = slice.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
        return text.map { .string($0) } ?? store.bytes(slice)
    }

    /// Little-endian two's complement of `count` bytes.
    mutating func readLong(_ count: Int) throws(TensorFileError) -> PickleNode {
        guard count <= limits.integerBytes else {
            throw failure(.limit, "has an integer of \(count) bytes")
        }
        let slice = try readSlice(count)
        guard count <= 8 else { return store.bigInt(slice) }
        return slice.withUnsafeBytes { raw in
            let isNegative = (raw.last ?? 0) & 0x80 != 0
            var value: UInt64 = isNegative ? .max : 0
            for byte in raw.reversed() { value = value << 8 | UInt64(byte) }
            return .int(Int(truncatingIfNeeded: value))
        }
    }

    /// The bytes up to the next newline, which is skipped.
    mutating func readLine(limit: Int? = nil) throws(TensorFileError) -> UnsafeRawBufferPointer {
        let limit = limit ?? limits.lineBytes
        let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
        let window = min(rest.count, limit)
        guard let start = rest.baseAddress, let end = memchr(start, 10, window) else {
            throw rest.count > limit
                ? failure(.limit, "has a line of more than \(limit) bytes")
                : failure(.truncated, "ends inside a line")
        }
        let count = UnsafeRawPointer(end) - start
        position += count + 1
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }

    mutating func readTextLine() throws(TensorFileError) -> String {
        String(decoding: try readLine(), as: UTF8.self)
    }

    mutating func readMemoIndexLine() throws(TensorFileError) -> Int {
        let text = try readTextLine()
        guard let index = Int(text), index >= 0 else {
            throw failure(.malformed, "has memo index \(text.quotedForMessage())")
        }
        return index
    }

    /// Decimal digits, `L` at the end allowed; `00` and `01` are the truth values of protocol 1.
    mutating func readIntegerLine() throws(TensorFileError) -> PickleNode {
        var text = try readTextLine()
        if text == "00" { return .bool(false) }
        if text == "01" { return .bool(true) }
        if text.hasSuffix("L") { text.removeLast() }
        if let value = Int(text) { return .int(value) }
        guard text.utf8.count <= limits.digits else {
            throw failure(.limit, "has an integer of \(text.utf8.count) digits")
        }
        guard let value = Self.twosComplement(decimal: text) else {
            throw failure(.malformed, "has integer \(text.quotedForMessage())")
        }
        return store.bigInt(ByteSlice(copying: value))
    }

    mutating func readDoubleLine() throws(TensorFileError) -> Double {
        let text = try readTextLine()
        guard text.utf8.count <= limits.digits, let value = Double(text) else {
            throw failure(.malformed, "has number \(text.quotedForMessage())")
        }
        return value
    }

    /// A Python 2 string in quotes, with its escapes.
    mutating func readQuotedLine() throws(TensorFileError) -> PickleNode {
        let line = try readLine(limit: bytes.count)
        guard line.count >= 2, let quote = line.first, quote == line.last,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else { throw failure(.malformed, "has a string without quotes") }
        let raw = unescaped(UnsafeRawBufferPointer(rebasing: line[1..<line.count - 1]))
        unpackedBytes += raw.count
        guard let text = String(validating: raw, as: UTF8.self) else {
            return store.bytes(ByteSlice(copying: raw))
        }
        return .string(text)
    }

    private func unescaped(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        var i = 0
        while i < text.count {
            guard text[i] == UInt8(ascii: "\\"), i + 1 < text.count else {
                result.append(text[i])
                i += 1
                continue
            }
            let code = text[i + 1]
            if code == UInt8(ascii: "x"), i + 3 < text.count,
                let value = Self.hexadecimal(text[(i + 2)..<(i + 4)])
            {
                result.append(UInt8(truncatingIfNeeded: value))
                i += 4
            } else {
                result.append(Self.simpleEscapes[code] ?? code)
                i += 2
            }
        }
        return result
    }

    private static let simpleEscapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13,
        UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
        UInt8(ascii: "v"): 11, UInt8(ascii: "0"): 0,
    ]

    /// A text of protocol 0: Latin-1, with `\u` and `\U` for what is beyond.
    mutating func readUnicodeLine() throws(TensorFileError) -> String {
        let line = try readLine(limit: bytes.count)
        unpackedBytes += line.count
        var scalars = String.UnicodeScalarView()
        var i = 0
        while i < line.count {
            let digits =
                line[i] == UInt8(ascii: "\\") && i + 1 < line.count
                ? (line[i + 1] == UInt8(ascii: "u") ? 4 : line[i + 1] == UInt8(ascii: "U") ? 8 : 0)
                : 0
            if digits > 0, i + 2 + digits <= line.count,
                let value = Self.hexadecimal(line[(i + 2)..<(i + 2 + digits)])
            {
                scalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
                i += 2 + digits
            } else {
                scalars.append(Unicode.Scalar(line[i]))
                i += 1
            }
        }
        return String(scalars)
    }

    private static func hexadecimal(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt32? {
        var value: UInt32 = 0
        for byte in digits {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Little-endian two's complement of a decimal number, by repeated multiplication.
    static func twosComplement(decimal text: String) -> [UInt8]? {
        let isNegative = text.hasPrefix("-")
        let digits = text.utf8.dropFirst(isNegative || text.hasPrefix("+") ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        var bytes: [UInt8] = []
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            var carry = UInt16(digit - UInt8(ascii: "0"))
            for i in bytes.indices {
                carry += UInt16(bytes[i]) * 10
                bytes[i] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            if carry > 0 { bytes.append(UInt8(carry)) }
        }
        bytes.append(0)
        guard isNegative else { return bytes }
        var carry = true
        for i in bytes.indices {
            let (sum, overflow) = (~bytes[i]).addingReportingOverflow(carry ? 1 : 0)
            bytes[i] = sum
            carry = overflow
        }
        return bytes
    }
}
