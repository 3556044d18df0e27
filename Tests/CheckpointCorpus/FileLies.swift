/// Files whose fields contradict one another, with everything around them in order.
enum FileLies {
    /// A field as it should be, or one of the numbers that break readers.
    private static func lie(_ truth: Int, _ random: inout Repeatable) -> Int {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: RandomPickle.numbers[Int.random(in: 0..<RandomPickle.numbers.count, using: &random)]
        case 1: truth + Int.random(in: -2...2, using: &random)
        default: truth
        }
    }

    static func zip(_ random: inout Repeatable) -> [UInt8] {
        var entries: [ZipBytes.Entry] = [
            .init(name: "a/data.pkl", contents: Fixture.object()),
            .init(name: "a/data/0", contents: Fixture.weight.storage),
            .init(name: "a/data/1", contents: Fixture.step.storage),
            .init(name: "a/byteorder", contents: Array("little".utf8)),
        ]
        for index in entries.indices {
            if Bool.random(using: &random) { entries[index].isDeflated = true }
            guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
            switch Int.random(in: 0..<7, using: &random) {
            case 0:
                let size = lie(entries[index].contents.count, &random)
                entries[index].claimedSize = Int(UInt32(truncatingIfNeeded: size))
            case 1: entries[index].claimedChecksum = UInt32.random(in: 0...2, using: &random)
            case 2: entries[index].method = UInt16.random(in: 0...12, using: &random)
            case 3: entries[index].flags = UInt16.random(in: 0...15, using: &random)
            case 4:
                let names = ["a/data.pkl", "../a", "a/data/0", "a/constants.pkl", "", "a/data"]
                entries[index].name = names[Int.random(in: 0..<names.count, using: &random)]
            case 5: entries[index].contents = Array("big".utf8)
            default:
                let lists = [RandomPickle.program(20, &random), Fixture.object(legacy: true), []]
                entries[index].contents = lists[Int.random(in: 0..<3, using: &random)]
            }
        }
        entries.shuffle(using: &random)
        var bytes = ZipBytes.archive(entries, wide: Bool.random(using: &random))
        guard Int.random(in: 0..<3, using: &random) == 0 else { return bytes }
        // The directory lies at the end.
        let directory = bytes.count - min(bytes.count, 300)
        let patched = Mutation.patched(Array(bytes[directory...]), &random)
        bytes.replaceSubrange(directory..., with: patched)
        return bytes
    }

    static func tar(_ random: inout Repeatable) -> [UInt8] {
        var parts = Fixture.tarParts
        for index in parts.indices where Int.random(in: 0..<3, using: &random) == 0 {
            let most = Int.random(in: 1...3, using: &random)
            parts[index].1 = Mutation.damaged(parts[index].1, most: most, &random)
        }
        if Int.random(in: 0..<4, using: &random) == 0 { parts.shuffle(using: &random) }
        let kinds: [Character] = ["0", "\u{0}", "1", "2", "5", "L", "x"]
        let kind = kinds[Int.random(in: 0..<8, using: &random) == 0 ? 2 : 0]
        return Fixture.tarArchive(parts, kind: kind)
    }

    static func safeTensors(_ random: inout Repeatable) -> [UInt8] {
        var header = "{"
        var begin = 0
        for index in 0..<Int.random(in: 0...4, using: &random) {
            let types = ["F32", "I8", "BF16", "BOOL", "F8_E4M3", "U64", "F4", "f32"]
            let place = Int.random(in: 0..<(index % 3 == 0 ? 8 : 6), using: &random)
            let size = [4, 1, 2, 1, 1, 8, 1, 4][place]
            let shape = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                lie(Int.random(in: 0...3, using: &random), &random)
            }
            let bytes = shape.allSatisfy { (0...3).contains($0) } ? shape.reduce(size, *) : size
            let offsets = [lie(begin, &random), lie(begin + bytes, &random)]
            begin += bytes
            let names = ["a", "b", "", "__metadata__", "é", "\\u0061", "x.y"]
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            if header.count > 1 { header += "," }
            header += "\"\(name)\(index)\":{\"dtype\":\"\(types[place])\",\"shape\":\(shape),"
            header += "\"data_offsets\":\(offsets)}"
        }
        header += "}"
        var text = Array(header.utf8)
        if Int.random(in: 0..<4, using: &random) == 0 { text = Mutation.patched(text, &random) }
        let size = UInt64(bitPattern: Int64(lie(text.count, &random)))
        var bytes = withUnsafeBytes(of: size.littleEndian) { [UInt8]($0) }
        bytes += text
        bytes += [UInt8](repeating: 1, count: lie(begin, &random) & 0xFFF)
        return bytes
    }

    static func numpy(_ random: inout Repeatable) -> [UInt8] {
        let types = ["<f4", ">i8", "|b1", "|u1", "<U3", "|O", "f8", "<f2", "<c8"]
        let shape = (0..<Int.random(in: 0...3, using: &random)).map { _ in
            "\(lie(Int.random(in: 0...3, using: &random), &random))"
        }
        let type = types[Int.random(in: 0..<types.count, using: &random)]
        let order = Bool.random(using: &random) ? "True" : "False"
        let sizes = shape.joined(separator: ", ")
        let text = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(sizes),), }\n"
        var header = Array(text.utf8)
        if Int.random(in: 0..<4, using: &random) == 0 { header = Mutation.patched(header, &random) }
        let version = UInt8.random(in: 0...4, using: &random)
        let size = UInt32(truncatingIfNeeded: lie(header.count, &random))
        let field = withUnsafeBytes(of: size.littleEndian) {
            Array($0.prefix(version == 1 ? 2 : 4))
        }
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8)
        bytes += [version, 0]
        bytes += field
        bytes += header
        bytes += [UInt8](repeating: 3, count: Int.random(in: 0...64, using: &random))
        return bytes
    }

    static func legacy(_ random: inout Repeatable) -> [UInt8] {
        let program =
            Bool.random(using: &random)
            ? Fixture.object(legacy: true) : RandomPickle.program(20, &random)
        var storages = [("0", Fixture.weight.storage, 4), ("1", Fixture.step.storage, 8)]
        if Int.random(in: 0..<4, using: &random) == 0 { storages.reverse() }
        var bytes = Fixture.legacy(
            program, isLittleEndian: Int.random(in: 0..<8, using: &random) > 0, storages: storages)
        // The keys, counts and elements lie at the end.
        let tail = bytes.count - min(bytes.count, 90)
        let most = Int.random(in: 0...2, using: &random)
        let damaged = Mutation.damaged(Array(bytes[tail...]), most: most, &random)
        bytes.replaceSubrange(tail..., with: damaged)
        return bytes
    }
}
