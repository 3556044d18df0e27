/// Writes checkpoints that `torch.load` reads, also with `weights_only=True`: nested dictionaries of
/// tensors, numbers and texts, in the form of PyTorch 1.6 and later (a zip archive of a pickle and a
/// record for each tensor).
///
/// ```swift
/// try PyTorchWriter.write(
///     .dictionary([("model", .dictionary(tensors)), ("epoch", .integer(12))]), to: "last.pth")
/// ```
public enum PyTorchWriter {
    public indirect enum Value {
        case dictionary([(name: String, value: Value)])
        /// A dictionary whose keys are numbers.
        case numbered([(number: Int, value: Value)])
        case list([Value])
        case tensor(Tensor)
        case integer(Int)
        case real(Double)
        case text(String)
        case bool(Bool)
        case none
    }

    /// A tensor whose elements are asked for when they are written.
    public struct Tensor {
        let elementType: ElementType
        let shape: [Int]
        let contents: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

        /// - Parameters:
        ///   - elementType: one that PyTorch has storages of.
        ///   - shape: of any rank.
        ///   - contents: calls its argument once with all elements, little-endian and the last
        ///     dimension fastest; it is called twice, for the checksum and to write.
        public init(
            _ elementType: ElementType, shape: [Int],
            contents: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
        ) {
            self.elementType = elementType
            self.shape = shape
            self.contents = contents
        }

        /// A tensor of another file.
        public init(_ record: TensorRecord) {
            self.init(record.elementType, shape: record.shape) { body in
                try record.withContiguousBytes(body)
            }
        }

        var byteCount: Int { shape.reduce(elementType.byteCount, *) }
    }

    /// Writes `value`; a file at `path` is replaced once all is written.
    ///
    /// - Throws: `TensorFileError` where the file cannot be written, where a tensor's type has no
    ///   storage in PyTorch, or for a single one above 4 GiB.
    public static func write(_ value: Value, to path: String) throws {
        var pickle = PickleWriter(file: path)
        try pickle.write(value)
        let file = try AtomicFile(path: path)
        var archive = ZipWriter(file, folder: "archive")
        try archive.add("data.pkl", Array(pickle.finished))
        try archive.add("byteorder", Array("little".utf8))
        for (number, tensor) in pickle.tensors.enumerated() {
            try archive.add("data/\(number)", byteCount: tensor.byteCount, tensor.contents)
        }
        try archive.add("version", Array("3\n".utf8))
        try archive.finish()
        try file.commit()
    }
}

/// The pickle of a checkpoint, protocol 2, without a memo.
private struct PickleWriter {
    private let file: String
    private var bytes: [UInt8] = [0x80, 2]
    private(set) var tensors: [PyTorchWriter.Tensor] = []

    init(file: String) { self.file = file }

    var finished: [UInt8] { bytes + [UInt8(ascii: ".")] }

    mutating func write(_ value: PyTorchWriter.Value) throws {
        switch value {
        case .dictionary(let items):
            op("}")
            op("(")
            for (name, value) in items {
                text(name)
                try write(value)
            }
            op("u")
        case .numbered(let items):
            op("}")
            op("(")
            for (number, value) in items {
                integer(number)
                try write(value)
            }
            op("u")
        case .list(let values):
            op("]")
            op("(")
            for value in values { try write(value) }
            op("e")
        case .tensor(let tensor): try self.tensor(tensor)
        case .integer(let number): integer(number)
        case .real(let number):
            op("G")
            append(number.bitPattern.bigEndian)
        case .text(let text): self.text(text)
        case .bool(let flag): bytes.append(flag ? 0x88 : 0x89)
        case .none: op("N")
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`.
    private mutating func tensor(_ tensor: PyTorchWriter.Tensor) throws {
        guard let storage = tensor.elementType.storageName else {
            throw TensorFileError(
                .unsupported, file: file,
                problem:
                    "cannot hold \(tensor.elementType.torchName): PyTorch has no storage of it",
                remedy: "convert it to another type, or write safetensors")
        }
        global("torch._utils", "_rebuild_tensor_v2")
        op("(")
        // The storage: ('storage', type, key, device, count) by its persistent id.
        op("(")
        text("storage")
        global("torch", storage)
        text("\(tensors.count)")
        text("cpu")
        integer(tensor.shape.reduce(1, *))
        op("t")
        op("Q")
        integer(0)
        tuple(tensor.shape)
        var stride = 1
        tuple(
            tensor.shape.reversed().map { size in
                defer { stride *= max(size, 1) }
                return stride
            }.reversed())
        bytes.append(0x89)
        global("collections", "OrderedDict")
        op(")")
        op("R")
        op("t")
        op("R")
        tensors.append(tensor)
    }

    private mutating func tuple(_ numbers: [Int]) {
        op("(")
        for number in numbers { integer(number) }
        op("t")
    }

    private mutating func integer(_ number: Int) {
        if let short = Int32(exactly: number) {
            op("J")
            append(short.littleEndian)
        } else {
            bytes += [0x8A, 8]
            append(Int64(number).littleEndian)
        }
    }

    private mutating func text(_ text: String) {
        op("X")
        append(UInt32(text.utf8.count).littleEndian)
        bytes += text.utf8
    }

    private mutating func global(_ module: String, _ name: String) {
        op("c")
        bytes += "\(module)\n\(name)\n".utf8
    }

    private mutating func op(_ code: Unicode.Scalar) { bytes.append(UInt8(ascii: code)) }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes += $0 }
    }
}

extension ElementType {
    /// The class of PyTorch's storage; nil for types that came after typed storages.
    fileprivate var storageName: String? {
        switch self {
        case .bool: "BoolStorage"
        case .uint8: "ByteStorage"
        case .int8: "CharStorage"
        case .int16: "ShortStorage"
        case .int32: "IntStorage"
        case .int64: "LongStorage"
        case .float16: "HalfStorage"
        case .bfloat16: "BFloat16Storage"
        case .float32: "FloatStorage"
        case .float64: "DoubleStorage"
        default: nil
        }
    }
}
