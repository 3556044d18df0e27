/// Programs that mostly obey the grammar of pickles, so that they get far before they are refused.
struct RandomPickle {
    private(set) var bytes: [UInt8] = [0x80, 2]
    private var random: Repeatable
    /// Values on the stack above each open mark, the innermost last.
    private var heights = [0]
    private var memoCount = 0

    /// Functions whose calls are interpreted, and some that must not be.
    private static let functions: [(module: String, name: String)] = [
        ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_tensor_v3"), ("torch._utils", "_rebuild_parameter"),
        ("torch._utils", "_rebuild_parameter_with_state"), ("torch._utils", "_rebuild_qtensor"),
        ("torch._utils", "_rebuild_sparse_tensor"), ("torch._tensor", "_rebuild_from_type_v2"),
        ("torch.storage", "_load_from_bytes"), ("torch", "Size"), ("torch", "FloatStorage"),
        ("numpy", "dtype"), ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.numeric", "_frombuffer"),
        ("collections", "OrderedDict"), ("collections", "defaultdict"),
        ("collections", "Counter"), ("builtins", "dict"), ("builtins", "list"),
        ("__builtin__", "set"), ("builtins", "tuple"), ("builtins", "bytearray"),
        ("_codecs", "encode"), ("copyreg", "_reconstructor"), ("copyreg", "__newobj__"),
        ("pathlib", "PosixPath"), ("argparse", "Namespace"), ("os", "system"), ("a.b", "C.d"),
    ]

    static let numbers: [Int] = [
        0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 255, 256, 65535, 65536, -1, -2, 1 << 31 - 1, 1 << 31,
        -(1 << 31), 1 << 32, 1 << 61, 1 << 62, .max, .min,
    ]

    private static let texts = [
        "", "a", "storage", "cpu", "0", "1", "latin1", "<", ">", "f4", "i8", "_parameters",
        "_modules", "_buffers", "state", "param_groups", "__proto__", "é", "\u{202E}x", "\n",
    ]

    /// About `length` steps, a function of the state of `random`.
    static func program(_ length: Int, _ random: inout Repeatable) -> [UInt8] {
        var made = RandomPickle(random: Repeatable(state: random.next()))
        for _ in 0..<length { made.step() }
        made.finish()
        return made.bytes
    }

    private init(random: Repeatable) { self.random = random }

    private var height: Int {
        get { heights[heights.count - 1] }
        set { heights[heights.count - 1] = newValue }
    }

    private mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private mutating func op(_ character: Character) { bytes += Array(String(character).utf8) }

    private mutating func append<T: FixedWidthInteger>(_ value: T) {
        bytes += withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }

    private mutating func step() {
        switch pick(24) {
        case 0...5: constant()
        case 6...7: function()
        case 8...9: tensor()
        case 10: array()
        case 11: nestedFile()
        case 12...13:
            op("(")
            heights.append(0)
        case 14...15: closeMark()
        case 16...17 where height >= 2: call()
        case 18 where height >= 2:
            op(["a", "b", "a", "e"][pick(3)])
            height -= 1
        case 19 where height >= 3:
            op("s")
            height -= 2
        case 20 where height >= 1: memoize()
        case 21 where memoCount > 0: recall()
        case 22 where height >= 1:
            let count = pick(min(height, 3)) + 1
            bytes.append(0x84 + UInt8(count))
            height -= count - 1
        case 23 where pick(8) == 0: bytes.append(UInt8(pick(256)))
        default: constant()
        }
    }

    private mutating func constant() {
        height += 1
        switch pick(8) {
        case 0: op("N")
        case 1: bytes.append(0x88 + UInt8(pick(2)))
        case 2, 3: integer(Self.numbers[pick(Self.numbers.count)])
        case 4: text(Self.texts[pick(Self.texts.count)])
        case 5:
            op("C")
            let count = pick(20)
            bytes.append(UInt8(count))
            for _ in 0..<count { bytes.append(UInt8(pick(256))) }
        case 6: op(["]", "}", ")"][pick(3)])
        default:
            op("G")
            append(random.next())
        }
    }

    private mutating func integer(_ value: Int) {
        bytes += [0x8A, 8]
        append(value)
    }

    private mutating func text(_ text: String) {
        op("X")
        append(UInt32(text.utf8.count))
        bytes += Array(text.utf8)
    }

    private mutating func global(_ module: String, _ name: String) {
        bytes += Array("c\(module)\n\(name)\n".utf8)
    }

    private mutating func function() {
        let function = Self.functions[pick(Self.functions.count)]
        global(function.module, function.name)
        height += 1
    }

    private mutating func closeMark() {
        guard heights.count > 1 else { return constant() }
        let inside = heights.removeLast()
        let isPaired = inside % 2 == 0 && inside > 0
        switch pick(6) {
        case 0: op("l")
        case 1 where isPaired: op("d")
        case 2 where isPaired && height > 0:
            op("u")
            return
        case 3 where height > 0:
            op("e")
            return
        case 4 where inside > 0: op("o")
        default: op("t")
        }
        height += 1
    }

    private mutating func call() {
        if pick(8) == 0, height >= 3 {
            bytes.append(0x92)
            height -= 2
        } else {
            bytes.append(pick(4) == 0 ? 0x81 : UInt8(ascii: "R"))
            height -= 1
        }
    }

    private mutating func memoize() {
        bytes += [UInt8(ascii: "q"), UInt8(memoCount % 256)]
        memoCount = min(memoCount + 1, 255)
    }

    private mutating func recall() {
        bytes += [UInt8(ascii: "h"), UInt8(pick(memoCount))]
        height += 1
    }

    /// A few numbers, mostly ones that fit small storages.
    private mutating func sizes(_ count: Int) {
        op("(")
        for _ in 0..<count {
            integer(pick(6) == 0 ? Self.numbers[pick(Self.numbers.count)] : pick(4))
        }
        op("t")
    }

    /// A call that rebuilds a tensor over one of the two storages of `Fixture`.
    private mutating func tensor() {
        global("torch._utils", "_rebuild_tensor_v2")
        op("(")
        op("(")
        text("storage")
        let classes = [
            "FloatStorage", "LongStorage", "ByteStorage", "UntypedStorage", "QInt8Storage",
        ]
        global("torch", classes[pick(pick(3) == 0 ? classes.count : 2)])
        text(["0", "1", "0", "9"][pick(pick(6) == 0 ? 4 : 3)])
        text("cpu")
        integer(pick(8) == 0 ? Self.numbers[pick(Self.numbers.count)] : pick(8))
        if pick(4) == 0 { op("N") }
        op("t")
        op("Q")
        integer(pick(5) == 0 ? Self.numbers[pick(Self.numbers.count)] : pick(3))
        let rank = pick(4)
        sizes(rank)
        sizes(pick(10) == 0 ? pick(4) : rank)
        bytes.append(0x89)
        op("}")
        op("t")
        op("R")
        height += 1
    }

    /// A NumPy array with its state.
    private mutating func array() {
        global("numpy._core.multiarray", "_reconstruct")
        op("(")
        global("numpy", "ndarray")
        sizes(1)
        bytes += [UInt8(ascii: "C"), 1, UInt8(ascii: "b")]
        op("t")
        op("R")
        op("(")
        integer(1)
        let side = pick(3)
        sizes(side)
        global("numpy", "dtype")
        op("(")
        text(["f4", "i8", "u1", "b1", "O8", "U3", "f2"][pick(7)])
        op("t")
        op("R")
        bytes.append(0x88 + UInt8(pick(2)))
        op("C")
        let count = [0, 1, 2, 4, 8, 16][pick(6)]
        bytes.append(UInt8(count))
        for _ in 0..<count { bytes.append(UInt8(pick(256))) }
        op("t")
        op("b")
        height += 1
    }

    /// A storage that is a file of its own inside the pickle.
    private mutating func nestedFile() {
        global("torch.storage", "_load_from_bytes")
        let inner = Mutation.damaged(Self.nestedStorage, most: pick(3), &random)
        op("B")
        append(UInt32(inner.count))
        bytes += inner
        bytes.append(0x85)
        op("R")
        height += 1
    }

    private static let nestedStorage = Fixture.legacy(
        PickleBytes.program { $0.storage(Fixture.weight, legacy: true) },
        storages: [("0", Fixture.weight.storage, 4)])

    private mutating func finish() {
        while heights.count > 1 {
            op("t")
            heights.removeLast()
            height += 1
        }
        if height == 0 { op("N") }
        if pick(40) > 0 { op(".") }
    }
}
