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
        var bytes = legacyStream(
            program,
            facts: PickleBytes.program { p in
                p.dict { p in
                    p.text("protocol_version")
                    p.int(1001)
                    p.text("little_endian")
                    p.bool(isLittleEndian)
                }
            },
            keys: PickleBytes.program { p in
                p.op("]")
                p.op("(")
                storages.forEach { p.text($0.0) }
                p.op("e")
            })
        for (_, contents, size) in storages {
            bytes += withUnsafeBytes(of: (contents.count / size).littleEndian) { [UInt8]($0) }
            bytes += contents
        }
        return bytes
    }

    /// The five pickles of the form before 1.6; the elements of the storages come behind them.
    static func legacyStream(
        _ program: [UInt8], facts: [UInt8] = [0x7D, 0x2E], keys: [UInt8] = [0x5D, 0x2E]
    ) -> [UInt8] {
        var bytes: [UInt8] = [0x80, 2, 0x8A, 10]
        bytes += [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, UInt8(ascii: ".")]
        bytes += PickleBytes.program { $0.int(1001) }
        return bytes + facts + program + keys
    }

    static func tar() -> [UInt8] { tarArchive(tarParts) }

    /// The members of an old checkpoint.
    static let tarParts: [(String, [UInt8])] = {
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
        return [
            ("./sys_info", []), ("./pickle", program), ("tensors", tensorPart),
            ("storages", storagePart),
        ]
    }()

    /// `kind` is what all entries are: 0 a file, 1 and 2 links, 5 a folder.
    static func tarArchive(
        _ files: [(String, [UInt8])], kind: Character = "0", target: String = ""
    ) -> [UInt8] {
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
            header += padded(octal(0, 11), 12) + Array("        \(kind)".utf8)
            header += padded(target, 100) + Array("ustar\u{0}00".utf8)
            header += [UInt8](repeating: 0, count: 512 - header.count)
            let sum = header.reduce(0) { $0 + Int($1) }
            header.replaceSubrange(148..<156, with: Array((octal(sum, 6) + "\u{0} ").utf8))
            bytes += header + contents
            bytes += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }
}
