/// Reads one pickle, protocols 0 to 5, into inert values.
///
/// The stack machine of Python's `pickle` without its point: calls are recorded, never made, and
/// names of classes are never looked up. Every length is checked against the bytes that are
/// there, every growth against the limits.
struct PickleMachine {
    let source: ByteSlice
    let bytes: UnsafeRawBufferPointer
    let file: String
    /// What the messages call the pickle: `data.pkl`, or nothing.
    let record: String?
    let limits: PickleLimits

    var position: Int
    var opcodeStart = 0
    var store = PickleStore()
    var stack: [NodeID] = []
    /// Heights of the stack at the open marks.
    var marks: [Int] = []
    var memo: [Int: NodeID] = [:]
    var copiedItems = 0
    var unpackedBytes = 0
    /// Bytes made of texts, so that one text is converted once.
    var encoded: [NodeID: PickleNode] = [:]

    /// The first opcode is at offset `start` of `source`.
    init(
        _ source: ByteSlice, at start: Int = 0, file: String, record: String? = nil,
        limits: PickleLimits = PickleLimits()
    ) {
        self.source = source
        bytes = source.unsafeBytes
        position = start
        self.file = file
        self.record = record
        self.limits = limits
    }

    /// Runs to STOP and returns the value on top; `position` is then behind the pickle.
    mutating func run() throws(TensorFileError) -> NodeID {
        let start = position
        while true {
            opcodeStart = position
            let opcode = try readByte()
            if opcode == UInt8(ascii: ".") {
                store.byteCount = position - start
                return try pop()
            }
            try step(opcode)
            guard store.nodes.count <= limits.items, memo.count <= limits.items,
                copiedItems <= limits.steps(ofBytes: position - start),
                unpackedBytes <= limits.unpackedBytes
            else {
                throw failure(.limit, "makes more than \(limits.items) values")
            }
        }
    }

    private mutating func step(_ opcode: UInt8) throws(TensorFileError) {
        switch opcode {
        // Frame of the program.
        case 0x80:  // PROTO
            let version = try readByte()
            guard version <= 5 else {
                throw failure(.unsupported, "has pickle protocol \(version), known are 0 to 5")
            }
        case 0x95:  // FRAME
            _ = try readLength(8)

        // Stack and memo.
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"):  // POP
            if let mark = marks.last, mark == stack.count {
                marks.removeLast()
            } else {
                _ = try pop()
            }
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())
        case UInt8(ascii: "p"): memo[try readMemoIndexLine()] = try top()
        case UInt8(ascii: "q"): memo[Int(try readByte())] = try top()
        case UInt8(ascii: "r"): memo[Int(try readInteger(UInt32.self))] = try top()
        case 0x94: memo[memo.count] = try top()  // MEMOIZE
        case UInt8(ascii: "g"): try recall(try readMemoIndexLine())
        case UInt8(ascii: "h"): try recall(Int(try readByte()))
        case UInt8(ascii: "j"): try recall(Int(try readInteger(UInt32.self)))

        // Constants and numbers.
        case UInt8(ascii: "N"): stack.append(PickleStore.none)
        case 0x88: stack.append(PickleStore.true)
        case 0x89: stack.append(PickleStore.false)
        case UInt8(ascii: "J"): push(.int(Int(try readInteger(Int32.self))))
        case UInt8(ascii: "K"): push(.int(Int(try readByte())))
        case UInt8(ascii: "M"): push(.int(Int(try readInteger(UInt16.self))))
        case UInt8(ascii: "I"), UInt8(ascii: "L"): push(try readIntegerLine())
        case 0x8A: push(try readLong(Int(try readByte())))
        case 0x8B: push(try readLong(try readLength(4)))
        case UInt8(ascii: "F"): push(.double(try readDoubleLine()))
        case UInt8(ascii: "G"):
            let bits = UInt64(bigEndian: try readRaw(UInt64.self))
            push(.double(Double(bitPattern: bits)))

        // Texts and bytes.
        case UInt8(ascii: "S"): push(try readQuotedLine())
        case UInt8(ascii: "T"): push(try readOldText(try readLength(4)))
        case UInt8(ascii: "U"): push(try readOldText(Int(try readByte())))
        case UInt8(ascii: "V"): push(.string(try readUnicodeLine()))
        case UInt8(ascii: "X"): push(.string(try readText(try readLength(4))))
        case 0x8C: push(.string(try readText(Int(try readByte()))))
        case 0x8D: push(.string(try readText(try readLength(8))))
        case UInt8(ascii: "B"): push(store.bytes(try readSlice(try readLength(4))))
        case UInt8(ascii: "C"): push(store.bytes(try readSlice(Int(try readByte()))))
        case 0x8E, 0x96: push(store.bytes(try readSlice(try readLength(8))))

        default: try buildStep(opcode)
        }
    }

    mutating func push(_ node: PickleNode) { stack.append(store.add(node)) }

    mutating func pop() throws(TensorFileError) -> NodeID {
        guard stack.count > marks.last ?? 0, let last = stack.popLast() else {
            throw failure(.malformed, "takes a value from an empty stack")
        }
        return last
    }

    func top() throws(TensorFileError) -> NodeID {
        guard stack.count > marks.last ?? 0, let last = stack.last else {
            throw failure(.malformed, "needs a value on an empty stack")
        }
        return last
    }

    mutating func popToMark() throws(TensorFileError) -> ArraySlice<NodeID> {
        guard let mark = marks.popLast() else {
            throw failure(.malformed, "needs a mark that was never set")
        }
        // A copy: a slice would share the stack, which removing would then copy whole.
        let items = Array(stack[mark...])
        stack.removeLast(items.count)
        return items[...]
    }

    private mutating func recall(_ index: Int) throws(TensorFileError) {
        guard let value = memo[index] else {
            throw failure(.malformed, "recalls memo entry \(index), which was never stored")
        }
        stack.append(value)
    }

    func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
        let place = "\(record.map { "\($0), " } ?? "")byte \(opcodeStart)"
        let remedy =
            switch kind {
            case .truncated: "the file is incomplete: fetch or save it again"
            case .limit: "no honest checkpoint needs that: do not trust this file"
            case .unsupported: "save it with an older protocol"
            default: "the file is damaged or no checkpoint"
            }
        return TensorFileError(kind, file: file, place: place, problem: problem, remedy: remedy)
    }
}
