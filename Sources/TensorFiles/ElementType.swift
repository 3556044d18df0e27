/// The type of a tensor's elements in a file; raw values are safetensors' names.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "U8"
    case int8 = "I8"
    case uint16 = "U16"
    case int16 = "I16"
    case uint32 = "U32"
    case int32 = "I32"
    case uint64 = "U64"
    case int64 = "I64"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case float64 = "F64"
    /// 4 exponent bits, 3 mantissa bits, no infinities.
    case float8e4m3 = "F8_E4M3"
    /// 5 exponent bits, 2 mantissa bits: the upper byte of a float16.
    case float8e5m2 = "F8_E5M2"
    /// A power of two, 2^(byte − 127).
    case float8e8m0 = "F8_E8M0"

    /// Bytes of an element.
    public var byteCount: Int {
        switch self {
        case .bool, .uint8, .int8, .float8e4m3, .float8e5m2, .float8e8m0: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }

    public var isFloatingPoint: Bool {
        switch self {
        case .bool, .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: false
        default: true
        }
    }

    /// PyTorch's name without its module, `float32`.
    public var torchName: String {
        switch self {
        case .bool: "bool"
        case .uint8: "uint8"
        case .int8: "int8"
        case .uint16: "uint16"
        case .int16: "int16"
        case .uint32: "uint32"
        case .int32: "int32"
        case .uint64: "uint64"
        case .int64: "int64"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .float32: "float32"
        case .float64: "float64"
        case .float8e4m3: "float8_e4m3fn"
        case .float8e5m2: "float8_e5m2"
        case .float8e8m0: "float8_e8m0fnu"
        }
    }

    /// The type that PyTorch calls `name` (`float32`, `half`, `long`, …), with or without `torch.`.
    public init?(torchName name: String) {
        let short = name.hasPrefix("torch.") ? String(name.dropFirst(6)) : name
        let aliases: [String: ElementType] = [
            "half": .float16, "float": .float32, "double": .float64, "short": .int16,
            "int": .int32, "long": .int64,
        ]
        guard let found = aliases[short] ?? Self.allCases.first(where: { $0.torchName == short })
        else { return nil }
        self = found
    }

    /// The little-endian element at byte `offset` as a double (64-bit integers may round).
    func double(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Double {
        func load<T: FixedWidthInteger>(_: T.Type) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        switch self {
        case .bool: return load(UInt8.self) == 0 ? 0 : 1
        case .uint8: return Double(load(UInt8.self))
        case .int8: return Double(load(Int8.self))
        case .uint16: return Double(load(UInt16.self))
        case .int16: return Double(load(Int16.self))
        case .uint32: return Double(load(UInt32.self))
        case .int32: return Double(load(Int32.self))
        case .uint64: return Double(load(UInt64.self))
        case .int64: return Double(load(Int64.self))
        case .float16: return Double(Float16(bitPattern: load(UInt16.self)))
        case .bfloat16: return Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16))
        case .float32: return Double(Float(bitPattern: load(UInt32.self)))
        case .float64: return Double(bitPattern: load(UInt64.self))
        case .float8e5m2: return Double(Float16(bitPattern: UInt16(load(UInt8.self)) << 8))
        case .float8e4m3: return Self.e4m3(load(UInt8.self))
        case .float8e8m0:
            let byte = load(UInt8.self)
            return byte == 255
                ? .nan : Double(sign: .plus, exponent: Int(byte) - 127, significand: 1)
        }
    }

    /// Bias 7; exponent 0 is subnormal; all ones is the only NaN.
    private static func e4m3(_ byte: UInt8) -> Double {
        let sign: FloatingPointSign = byte & 0x80 == 0 ? .plus : .minus
        let exponent = Int(byte >> 3) & 15
        let mantissa = Double(byte & 7)
        if byte & 0x7F == 0x7F { return .nan }
        return exponent == 0
            ? Double(sign: sign, exponent: -9, significand: mantissa)
            : Double(sign: sign, exponent: exponent - 7, significand: 1 + mantissa / 8)
    }
}
