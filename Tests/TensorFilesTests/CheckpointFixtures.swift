import CZlib

@testable import TensorFiles

/// Builds pickles byte by byte, as PyTorch's pickler writes them (protocol 2).
struct PickleBytes {
    var bytes: [UInt8] = [0x80, 2]

    mutating func op(_ character: Character) { bytes += Array(String(character).utf8) }

    mutating func raw(_ values: UInt8...) { bytes += values }

    mutating func text(_ text: String) {
        op("X")
        append(UInt32(text.utf8.count))
        bytes += Array(text.utf8)
    }

    mutating func int(_ value: Int) {
        op("J")
        append(Int32(value))
    }

    mutating func bool(_ value: Bool) { raw(value ? 0x88 : 0x89) }

    mutating func double(_ value: Double) {
        op("G")
        bytes += withUnsafeBytes(of: value.bitPattern.bigEndian) { [UInt8]($0) }
    }

    mutating func global(_ module: String, _ name: String) {
        bytes += Array("c\(module)\n\(name)\n".utf8)
    }

    mutating func tuple(_ items: (inout PickleBytes) -> Void) {
        op("(")
        items(&self)
        op("t")
    }

    mutating func ints(_ values: [Int]) { tuple { p in values.forEach { p.int($0) } } }

    mutating func dict(_ items: (inout PickleBytes) -> Void) {
        op("}")
        op("(")
        items(&self)
        op("u")
    }

    /// `torch._utils._rebuild_tensor_v2` over a storage that is kept beside the pickle.
    mutating func tensor(_ tensor: Fixture.Tensor, numel: Int? = nil, legacy: Bool = false) {
        global("torch._utils", "_rebuild_tensor_v2")
        tuple { p in
            p.storage(tensor, numel: numel, legacy: legacy)
            p.int(tensor.offset)
            p.ints(tensor.shape)
            p.ints(tensor.strides)
            p.bool(false)
            p.global("collections", "OrderedDict")
            p.op(")")
            p.op("R")
        }
        op("R")
    }

    mutating func storage(_ tensor: Fixture.Tensor, numel: Int? = nil, legacy: Bool = false) {
        tuple { p in
            p.text("storage")
            p.global("torch", tensor.storageClass)
            p.text(tensor.key)
            p.text("cpu")
            p.int(numel ?? tensor.storage.count / tensor.elementSize)
            if legacy { p.op("N") }
        }
        op("Q")
    }

    /// A call of a function with texts as arguments.
    mutating func call(_ module: String, _ name: String, _ arguments: String...) {
        global(module, name)
        tuple { p in arguments.forEach { p.text($0) } }
        op("R")
    }

    mutating func append<T: FixedWidthInteger>(_ value: T) {
        bytes += withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }

    static func program(_ body: (inout PickleBytes) -> Void) -> [UInt8] {
        var pickle = PickleBytes()
        body(&pickle)
        pickle.op(".")
        return pickle.bytes
    }
}

/// A small checkpoint of our own making, in each layout.
enum Fixture {
    struct Tensor {
        var key = "0"
        var storageClass = "FloatStorage"
        var elementSize = 4
        var storage: [UInt8]
        var offset = 0
        var shape: [Int]
        var strides: [Int]
    }

    static func floats(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }

    /// [2, 3], its transposed view in the same storage, and an integer.
    static let weight = Tensor(
        storage: floats([0, 1, 2, 3, 4, 5, 6]), offset: 1, shape: [2, 3], strides: [3, 1])
    static let transposed = Tensor(
        storage: weight.storage, offset: 1, shape: [3, 2], strides: [1, 3])
    static let step = Tensor(
        key: "1", storageClass: "LongStorage", elementSize: 8, storage: [7, 0, 0, 0, 0, 0, 0, 0],
        shape: [], strides: [])

    /// `{"model": {"w": …, "wt": …}, "step": …, "args": Namespace(lr=0.5, name="x")}`.
    static func object(legacy: Bool = false) -> [UInt8] {
        PickleBytes.program { p in
            p.dict { p in
                p.text("model")
                p.global("collections", "OrderedDict")
                p.op(")")
                p.op("R")
                p.op("(")
                p.text("w")
                p.tensor(weight, legacy: legacy)
                p.text("wt")
                p.tensor(transposed, legacy: legacy)
                p.op("u")
                p.text("step")
                p.tensor(step, legacy: legacy)
                p.text("args")
                p.global("argparse", "Namespace")
                p.op(")")
                p.raw(0x81)
                p.dict { p in
                    p.text("lr")
                    p.double(0.5)
                    p.text("name")
                    p.text("x")
                }
                p.op("b")
            }
        }
    }

    static let storages = [("0", weight.storage), ("1", step.storage)]

    static func zip(
        _ program: [UInt8] = object(), storages: [(String, [UInt8])] = storages,
        byteOrder: String? = "little", extra: [ZipBytes.Entry] = []
    ) -> [UInt8] {
        var entries = [ZipBytes.Entry(name: "archive/data.pkl", contents: program)]
        if let byteOrder {
            entries.append(.init(name: "archive/byteorder", contents: Array(byteOrder.utf8)))
        }
        entries += storages.map { .init(name: "archive/data/\($0.0)", contents: $0.1) }
        entries.append(.init(name: "archive/version", contents: Array("3\n".utf8)))
        return ZipBytes.archive(entries + extra)
    }

    static func legacy(
        _ program: [UInt8] = object(legacy: true), isLittleEndian: Bool = true,
        storages: [(String, [UInt8], Int)] = [
            ("0", weight.storage, 4), ("1", step.storage, 8),
        ]
    ) -> [UInt8] {
        var bytes: [UInt8] = [0x80, 2, 0x8A, 10]
        bytes += [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, UInt8(ascii: ".")]
        bytes += PickleBytes.program { $0.int(1001) }
        bytes += PickleBytes.program { p in
            p.dict { p in
                p.text("protocol_version")
                p.int(1001)
                p.text("little_endian")
                p.bool(isLittleEndian)
            }
        }
        bytes += program
        bytes += PickleBytes.program { p in
            p.op("]")
            p.op("(")
            storages.forEach { p.text($0.0) }
            p.op("e")
        }
        for (_, contents, size) in storages {
            bytes += withUnsafeBytes(of: (contents.count / size).littleEndian) { [UInt8]($0) }
            bytes += contents
        }
        return bytes
    }

    static func tar() -> [UInt8] {
        func int64(_ value: Int) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
        }
        var storagePart = PickleBytes.program { $0.int(2) }
        for (key, tensor) in [(10, weight), (11, step)] {
            storagePart += PickleBytes.program { p in
                p.tuple { p in
                    p.int(key)
                    p.text("cpu")
                    p.global("torch", tensor.storageClass)
                }
            }
            storagePart += int64(tensor.storage.count / tensor.elementSize) + tensor.storage
        }
        storagePart += PickleBytes.program { $0.op("]") }
        var tensorPart = PickleBytes.program { $0.int(3) }
        for (key, storage, tensor) in [
            (20, 10, weight), (21, 10, transposed), (22, 11, step),
        ] {
            tensorPart += PickleBytes.program { p in
                p.tuple { p in
                    p.int(key)
                    p.int(storage)
                    p.global("torch", "FloatTensor")
                }
            }
            tensorPart += int64(tensor.shape.count)
            tensorPart += (tensor.shape + tensor.strides + [tensor.offset]).flatMap(int64)
        }
        let program = PickleBytes.program { p in
            func reference(_ p: inout PickleBytes, _ key: Int) {
                p.int(key)
                p.op("Q")
            }
            p.dict { p in
                p.text("model")
                p.dict { p in
                    p.text("w")
                    reference(&p, 20)
                    p.text("wt")
                    reference(&p, 21)
                }
                p.text("step")
                reference(&p, 22)
                p.text("args")
                p.dict { p in
                    p.text("lr")
                    p.double(0.5)
                    p.text("name")
                    p.text("x")
                }
            }
        }
        return tarArchive([
            ("./sys_info", []), ("./pickle", program), ("tensors", tensorPart),
            ("storages", storagePart),
        ])
    }

    static func tarArchive(_ files: [(String, [UInt8])]) -> [UInt8] {
        func padded(_ text: String, _ count: Int) -> [UInt8] {
            Array(text.utf8) + [UInt8](repeating: 0, count: count - text.utf8.count)
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        var bytes: [UInt8] = []
        for (name, contents) in files {
            var header = padded(name, 100) + padded(octal(0o644, 7), 8) + padded(octal(0, 7), 8)
            header += padded(octal(0, 7), 8) + padded(octal(contents.count, 11), 12)
            header += padded(octal(0, 11), 12) + Array("        0".utf8)
            header += [UInt8](repeating: 0, count: 100) + Array("ustar\u{0}00".utf8)
            header += [UInt8](repeating: 0, count: 512 - header.count)
            let sum = header.reduce(0) { $0 + Int($1) }
            header.replaceSubrange(148..<156, with: Array((octal(sum, 6) + "\u{0} ").utf8))
            bytes += header + contents
            bytes += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }
}

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
    }

    /// `wide` writes the sizes as zip64 extra fields and adds the zip64 end record.
    static func archive(_ entries: [Entry], wide: Bool = false) -> [UInt8] {
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
            bytes += le(UInt32(0x0403_4B50)) + le(UInt16(20)) + shared
            bytes += le(UInt32(packed.count)) + le(UInt32(size)) + le(UInt16(name.count))
            bytes += le(UInt16(0)) + name + packed
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
        return bytes + le(UInt16(0))
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
}
