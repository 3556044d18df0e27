// Containers, classes and calls.
extension PickleMachine {
    mutating func buildStep(_ opcode: UInt8) throws(TensorFileError) {
        switch opcode {
        // Containers.
        case UInt8(ascii: ")"): stack.append(PickleStore.emptyTuple)
        case UInt8(ascii: "]"): push(.list([]))
        case UInt8(ascii: "}"): push(.dict([]))
        case 0x8F: push(.set([]))
        case UInt8(ascii: "t"): push(.tuple(Array(try popToMark())))
        case UInt8(ascii: "l"): push(.list(Array(try popToMark())))
        case UInt8(ascii: "d"): push(.dict(Array(try evenItems())))
        case 0x91: push(.set(Array(try popToMark())))
        case 0x85, 0x86, 0x87: push(.tuple(try popItems(Int(opcode - 0x84))))
        case UInt8(ascii: "a"):
            let item = try pop()
            try append([item][...], to: try top())
        case UInt8(ascii: "e"), 0x90:
            let items = try popToMark()
            try append(items, to: try top())
        case UInt8(ascii: "s"):
            let pair = try popItems(2)
            try insert(pair[...], into: try top())
        case UInt8(ascii: "u"):
            let pairs = try evenItems()
            try insert(pairs, into: try top())

        // Names.
        case UInt8(ascii: "c"):
            let module = try readTextLine()
            push(store.global(PickleGlobal(module: module, name: try readTextLine())))
        case 0x93:
            let names = try popItems(2)
            guard let module = store.string(names[0]), let name = store.string(names[1]) else {
                throw failure(.malformed, "names a class by something that is no text")
            }
            push(store.global(PickleGlobal(module: module, name: name)))
        case 0x82: pushExtension(Int(try readByte()))
        case 0x83: pushExtension(Int(try readInteger(UInt16.self)))
        case 0x84: pushExtension(Int(try readInteger(UInt32.self)))
        case UInt8(ascii: "P"):
            let name = store.add(.string(try readTextLine()))
            push(.persistent(name))
        case UInt8(ascii: "Q"): push(.persistent(try pop()))

        // Calls and instances.
        case UInt8(ascii: "R"):
            let call = try popItems(2)
            pushCall(call[0], call[1], isCall: true)
        case 0x81:
            let call = try popItems(2)
            pushCall(call[0], call[1], isCall: false)
        case 0x92:
            let call = try popItems(3)
            push(
                store.object(
                    PickleObjectNode(
                        callable: call[0], arguments: call[1], keywords: call[2], isCall: false)))
        case UInt8(ascii: "o"):
            let items = try popToMark()
            guard let callable = items.first else {
                throw failure(.malformed, "makes an instance of nothing")
            }
            pushCall(callable, store.add(.tuple(Array(items.dropFirst()))), isCall: false)
        case UInt8(ascii: "i"):
            let module = try readTextLine()
            let callable = store.add(
                store.global(PickleGlobal(module: module, name: try readTextLine())))
            let arguments = Array(try popToMark())
            pushCall(callable, store.add(.tuple(arguments)), isCall: false)
        case UInt8(ascii: "b"):
            let state = try pop()
            // Attributes of plain containers (`_metadata` of a state dict) are not kept.
            if case .object(let index) = store[try top()] {
                store.objects[Int(index)].state = state
            }

        case 0x97, 0x98:
            throw failure(.unsupported, "refers to buffers that are kept outside the file")
        default:
            let code = String(opcode, radix: 16)
            throw failure(.malformed, "has unknown opcode 0x\(code)")
        }
    }

    private mutating func popItems(_ count: Int) throws(TensorFileError) -> [NodeID] {
        guard stack.count - (marks.last ?? 0) >= count else {
            throw failure(.malformed, "takes \(count) values from a stack that has fewer")
        }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        return items
    }

    private mutating func evenItems() throws(TensorFileError) -> ArraySlice<NodeID> {
        let items = try popToMark()
        guard items.count % 2 == 0 else {
            throw failure(.malformed, "has a key without a value")
        }
        return items
    }

    private mutating func append(
        _ items: ArraySlice<NodeID>, to target: NodeID
    ) throws(TensorFileError) {
        if case .object(let index) = store[target] {
            store.objects[Int(index)].items.append(contentsOf: items)
        } else if !store.append(items, to: target, asPairs: false) {
            throw failure(.malformed, "appends to something that is no list")
        }
    }

    private mutating func insert(
        _ pairs: ArraySlice<NodeID>, into target: NodeID
    ) throws(TensorFileError) {
        if case .object(let index) = store[target] {
            store.objects[Int(index)].pairs.append(contentsOf: pairs)
        } else if !store.append(pairs, to: target, asPairs: true) {
            throw failure(.malformed, "sets an item of something that is no dictionary")
        }
    }

    private mutating func pushExtension(_ code: Int) {
        push(store.global(PickleGlobal(module: "copyreg.extension", name: "\(code)")))
    }

    /// Records the call; the plain containers and texts of Python become what they stand for.
    private mutating func pushCall(
        _ callable: NodeID, _ arguments: NodeID, isCall: Bool
    ) {
        if let global = store.global(callable), let items = store.tuple(arguments),
            let value = plainValue(of: global, items)
        {
            push(value)
        } else {
            push(
                store.object(
                    PickleObjectNode(callable: callable, arguments: arguments, isCall: isCall)))
        }
    }

    /// What a call of Python's own constructors gives, nil for every other call.
    private mutating func plainValue(
        of global: PickleGlobal, _ arguments: [NodeID]
    ) -> PickleNode? {
        switch (global.module, global.name, arguments.count) {
        case ("collections", "OrderedDict", 0), ("collections", "Counter", 0),
            ("collections", "defaultdict", 0...1), (Self.builtins, "dict", 0):
            return .dict([])
        case ("collections", "OrderedDict", 1), (Self.builtins, "dict", 1):
            return dictionary(ofPairs: arguments[0])
        case ("collections", "Counter", 1):
            guard case .dict(let pairs) = store[arguments[0]] else { return nil }
            return .dict(counted(pairs))
        case (Self.builtins, "set", 0), (Self.builtins, "frozenset", 0): return .set([])
        case (Self.builtins, "list", 0): return .list([])
        case (Self.builtins, "tuple", 0): return .tuple([])
        case (Self.builtins, "set", 1), (Self.builtins, "frozenset", 1):
            return store.sequence(arguments[0]).map { .set(counted($0)) }
        case (Self.builtins, "list", 1):
            return store.sequence(arguments[0]).map { .list(counted($0)) }
        case (Self.builtins, "tuple", 1), ("torch", "Size", 1):
            return store.sequence(arguments[0]).map { .tuple(counted($0)) }
        case (Self.builtins, "bytes", 0), (Self.builtins, "bytearray", 0):
            return store.bytes(ByteSlice(copying: []))
        case (Self.builtins, "bytes", 1), (Self.builtins, "bytearray", 1):
            if case .bytes = store[arguments[0]] { return store[arguments[0]] }
            return nil
        case ("_codecs", "encode", 2):
            guard let text = store.string(arguments[0]), store.string(arguments[1]) == "latin1"
            else { return nil }
            if let known = encoded[arguments[0]] { return known }
            let bytes = latin1(text)
            encoded[arguments[0]] = bytes
            return bytes
        case ("copyreg", "_reconstructor", 3), ("copy_reg", "_reconstructor", 3):
            var object = PickleObjectNode(
                callable: arguments[0], arguments: PickleStore.emptyTuple, isCall: false)
            if case .dict(let pairs) = store[arguments[2]] { object.pairs = counted(pairs) }
            if let items = store.sequence(arguments[2]) { object.items = counted(items) }
            return store.object(object)
        case ("copyreg", "__newobj__", 1...), ("copy_reg", "__newobj__", 1...):
            let rest = store.add(.tuple(counted(Array(arguments.dropFirst()))))
            return store.object(
                PickleObjectNode(callable: arguments[0], arguments: rest, isCall: false))
        default: return nil
        }
    }

    /// The module of built-in types, under both its names.
    private static let builtins = Builtins()

    private struct Builtins: Sendable {
        static func ~= (_: Builtins, module: String) -> Bool {
            module == "builtins" || module == "__builtin__"
        }
    }

    private mutating func dictionary(ofPairs list: NodeID) -> PickleNode? {
        if case .dict(let pairs) = store[list] { return .dict(counted(pairs)) }
        guard let items = store.sequence(list) else { return nil }
        // Also where it fails at the last item: a list may be tried again and again.
        copiedItems += items.count
        var pairs: [NodeID] = []
        for item in items {
            guard let pair = store.sequence(item), pair.count == 2 else { return nil }
            pairs += pair
        }
        return .dict(pairs)
    }

    /// Elements that a constructor copies count as made: copies of copies must not grow for free.
    private mutating func counted(_ items: [NodeID]) -> [NodeID] {
        copiedItems += items.count
        return items
    }

    /// Protocol 2 writes the bytes of Python 3 as a text, one character a byte.
    private mutating func latin1(_ text: String) -> PickleNode? {
        unpackedBytes += text.utf8.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return store.bytes(ByteSlice(copying: bytes))
    }
}
