import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("Pickles") struct PickleMachineTests {
    static func load(_ bytes: [UInt8], limits: PickleLimits = PickleLimits()) throws -> PickleValue
    {
        try PyTorchFile(path: "case.pkl", contents: ByteSlice(copying: bytes), limits: limits).root
    }

    static func load(_ text: String) throws -> PickleValue {
        // Latin-1, so that bytes above 127 can be written as escapes.
        try load(text.unicodeScalars.map { UInt8($0.value) })
    }

    static let programs = PicklePrograms.values

    @Test("each opcode and known constructor", arguments: programs.indices)
    func program(index: Int) throws {
        let (program, expected) = Self.programs[index]
        #expect(try "\(Self.load(program))" == expected)
    }

    @Test("paths, indices and attributes") func lookup() throws {
        let value = try Self.load(
            "}(Vpath\ncpathlib\nPosixPath\n(V/\nVa\nVb\ntRVlist\n](K\u{5}K\u{6}eK\u{7}Vseven\n"
                + "Vobject\nca\nB\n)\u{81}(N}Vslot\nK\u{1}stbu.")
        #expect(value["path"]?.string == "/a/b")
        #expect(value.value(at: ["list", "1"])?.int == 6)
        #expect(value["list"]?["2"] == nil && value["list"]?["-1"] == nil)
        #expect(value["7"]?.string == "seven")
        #expect(value.value(at: ["object", "slot"])?.int == 1)
        #expect(value.value(at: ["object", "none"]) == nil)
        #expect(value.children.map(\.name) == ["path", "list", "7", "object"])
    }

    @Test("of equal keys the last holds") func equalKeys() throws {
        let value = try Self.load("}(Va\nK\u{1}Vb\nK\u{2}Va\nK\u{3}u.")
        #expect(value["a"]?.int == 3)
        #expect(value.children.map(\.name) == ["a", "b"])
    }

    @Test("containers that contain themselves") func cycles() throws {
        for program in [
            "]q\u{0}h\u{0}a.", "}q\u{0}K\u{1}h\u{0}s.", "ca\nB\n)\u{81}q\u{0}h\u{0}b.",
            "(]q\u{0}h\u{0}a]h\u{0}ah\u{0}t.",
        ] {
            let file = try PyTorchFile(
                path: "case.pkl",
                contents: ByteSlice(copying: program.unicodeScalars.map { UInt8($0.value) }))
            #expect(!"\(file.root)".isEmpty)
            if program.hasPrefix("ca") {
                // The object's state is itself, which has no attributes to walk over.
                #expect(try file.tensors().isEmpty)
            } else {
                #expect {
                    try file.tensors()
                } throws: { error in
                    (error as? TensorFileError)?.problem == "contains itself"
                }
            }
        }
    }

    /// `[[[…]]]`, `count` lists deep.
    static func nestedLists(_ count: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(ascii: "]"), count: count)
            + [UInt8](repeating: UInt8(ascii: "a"), count: count - 1) + [UInt8(ascii: ".")]
    }

    @Test("200,000 lists in one another") func deepLists() throws {
        let value = try Self.load(Self.nestedLists(200_000))
        #expect("\(value)" == "[[[[[…]]]]]")
    }

    @Test("200,000 tuples in one another") func deepTuples() throws {
        let ones = [UInt8](repeating: 0x85, count: 200_000)
        let value = try Self.load([UInt8(ascii: ")")] + ones + [UInt8(ascii: ".")])
        #expect("\(value)" == "(((((…,),),),),)")
    }

    @Test("200,000 calls of the results of calls") func deepCalls() throws {
        let calls = [[UInt8]](repeating: Array(")R".utf8), count: 200_000).flatMap { $0 }
        let value = try Self.load(Array("ca\nB\n".utf8) + calls + [UInt8(ascii: ".")])
        #expect("\(value)" == "the result of a call()")
    }

    @Test("a walk stops at the depth limit") func deepWalk() throws {
        for depth in [190, 1000] {
            let file = try PyTorchFile(
                path: "case.pkl", contents: ByteSlice(copying: Self.nestedLists(depth)))
            if depth < 200 {
                #expect(try file.tensors().isEmpty)
            } else {
                #expect {
                    try file.tensors()
                } throws: { error in
                    (error as? TensorFileError)?.problem == "is nested deeper than 200 levels"
                }
            }
        }
    }

    @Test("sharing that would expand to 2^100 values") func sharing() throws {
        // Each list holds the one before it twice.
        let bytes =
            Array("]".utf8) + (0..<100).flatMap { _ in Array("q\u{0}]h\u{0}ah\u{0}a".utf8) }
            + Array(".".utf8)
        let file = try PyTorchFile(path: "case.pkl", contents: ByteSlice(copying: bytes))
        #expect(try file.tensors().isEmpty)
        #expect("\(file.root)".count < 2000)
    }

    @Test("sharing of tensors that would expand to 2^60 names") func sharedTensors() throws {
        let program = PickleBytes.program { p in
            p.tensor(Fixture.weight)
            for _ in 0..<60 {
                p.op("q")
                p.raw(0)
                p.op("]")
                p.op("h")
                p.raw(0)
                p.op("a")
                p.op("h")
                p.raw(0)
                p.op("a")
            }
        }
        var limits = PickleLimits()
        limits.names = 1000
        let file = try PyTorchFile(
            path: "case.pth", contents: ByteSlice(copying: Fixture.zip(program)), limits: limits)
        #expect {
            try file.tensors()
        } throws: { error in
            (error as? TensorFileError)?.problem == "has more than 1000 tensors"
        }
    }

    @Test("the limits hold") func limits() throws {
        var limits = PickleLimits()
        limits.items = 100
        limits.integerBytes = 8
        limits.lineBytes = 100
        let hostile: [[UInt8]] = [
            // Values, memo entries, copies of copies.
            [UInt8](repeating: UInt8(ascii: "]"), count: 200) + Array(".".utf8),
            Array("N".utf8) + [UInt8](repeating: 0x94, count: 200) + Array(".".utf8),
            Array("(NNNNNNNNNNNNNNNNNNNNlq\u{0}".utf8)
                + (0..<20).flatMap { _ in Array("cbuiltins\nlist\n(h\u{0}tR".utf8) }
                + Array(".".utf8),
            [0x80, 2, 0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, UInt8(ascii: ".")],
            Array("L".utf8) + [UInt8](repeating: UInt8(ascii: "9"), count: 200) + Array("\n.".utf8),
            Array("c".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 200)
                + Array("\nb\n.".utf8),
        ]
        for bytes in hostile {
            #expect {
                try Self.load(bytes, limits: limits)
            } throws: { error in
                (error as? TensorFileError)?.kind == .limit
            }
        }
    }

    static let refused: [String] = [
        "", ".", "N", "0.", "1.", "2.", "a.", "]a.", "Na.", "NNa.", "e.", "(e.", "s.", "}s.",
        "}Ns.",
        "]NNs.",
        "}(Nu.", "(NNNd.", "t.", "l.", "d.", "R.", "NR.", "b.", "Nb.", "o.", "(o.", "Q.", "q\u{0}.",
        "(q\u{0}.",
        "h\u{0}.", "g0\n.", "gx\n.", "p-1\n.", "Np99999999999999999999\n.", "J\u{0}.", "K",
        "M\u{0}.",
        "G\u{0}.",
        "F1x\n.", "Fx", "I1x\n.", "L\n.", "Lx\n.", "S'a\n.", "Sa\n.", "S'\n.",
        "X\u{FF}\u{FF}\u{FF}\u{FF}a.",
        "T\u{FF}\u{FF}\u{FF}\u{FF}a.", "U\u{FF}a.", "B\u{FF}\u{FF}\u{FF}\u{FF}a.", "C\u{FF}a.",
        "\u{80}\u{6}N.", "\u{80}", "\u{80}\u{4}\u{93}.", "\u{80}\u{4}NN\u{93}.",
        "\u{80}\u{4}\u{85}.",
        "\u{80}\u{4}(\u{85}.", "\u{80}\u{4}\u{8A}\u{FF}.",
        "\u{80}\u{4}\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}.",
        "\u{80}\u{4}\u{8D}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}a.",
        "\u{80}\u{4}\u{8E}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{7F}a.",
        "\u{80}\u{4}\u{95}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{7F}N.", "\u{80}\u{5}\u{97}.",
        "\u{80}\u{5}N\u{98}.", "\u{80}\u{4}\u{FF}.", "cos\nsystem", "cos", "(ios\nsystem", "N.N.",
        "Pabc",
    ]

    @Test("broken programs are refused", arguments: refused.indices) func refuses(index: Int) throws
    {
        #expect(throws: TensorFileError.self) { try Self.load(Self.refused[index]) }
    }

    @Test("a message names file, record, byte and remedy") func message() throws {
        #expect {
            _ = try PyTorchFile(
                path: "case.pth",
                contents: ByteSlice(copying: Fixture.zip(Array("]q".utf8), storages: [])))
        } throws: { error in
            "\(error)" == "case.pth: data.pkl, byte 1: ends before its STOP; "
                + "the file is incomplete: fetch or save it again"
        }
    }
}
