import Testing

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

    /// Programs of each protocol and what they stand for, in Python's spelling.
    static let programs: [(String, String)] = [
        ("N.", "None"), ("I01\n.", "True"), ("I00\n.", "False"), ("\u{80}\u{2}\u{88}.", "True"),
        ("I-12\n.", "-12"), ("L9223372036854775807L\n.", "9223372036854775807"),
        ("L-9223372036854775809L\n.", "integer of 9 bytes"), ("K\u{FF}.", "255"),
        ("M\u{1}\u{2}.", "513"), ("J\u{FE}\u{FF}\u{FF}\u{FF}.", "-2"),
        ("\u{80}\u{2}\u{8A}\u{0}.", "0"), ("\u{80}\u{2}\u{8A}\u{2}\u{FF}\u{0}.", "255"),
        ("\u{80}\u{2}\u{8A}\u{1}\u{FF}.", "-1"),
        ("\u{80}\u{2}\u{8B}\u{2}\u{0}\u{0}\u{0}\u{0}\u{1}.", "256"),
        ("F1.5\n.", "1.5"), ("F-inf\n.", "-inf"),
        ("G\u{3F}\u{F8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}.", "1.5"),
        ("S'a\\n\\x41\\'b'\n.", "'a\u{FFFD}A'b'"), ("S'\\xff'\n.", "1 bytes"),
        ("U\u{2}ab.", "'ab'"), ("T\u{1}\u{0}\u{0}\u{0}\u{FF}.", "1 bytes"),
        ("Va\\u00e9\u{E9}\\U0001F600\n.", "'aéé😀'"),
        ("X\u{2}\u{0}\u{0}\u{0}\u{C3}\u{A9}.", "'é'"),
        ("\u{80}\u{4}\u{95}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{8C}\u{1}a.", "'a'"),
        ("\u{80}\u{4}\u{8D}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}a.", "'a'"),
        ("\u{80}\u{3}C\u{2}ab.", "2 bytes"), ("\u{80}\u{3}B\u{1}\u{0}\u{0}\u{0}a.", "1 bytes"),
        ("\u{80}\u{4}\u{8E}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}a.", "1 bytes"),
        ("\u{80}\u{5}\u{96}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}a.", "1 bytes"),
        ("(K\u{1}K\u{2}t.", "(1, 2)"), (").", "()"), ("\u{80}\u{2}K\u{1}\u{85}.", "(1,)"),
        ("\u{80}\u{2}K\u{1}K\u{2}\u{86}.", "(1, 2)"),
        ("\u{80}\u{2}K\u{1}K\u{2}K\u{3}\u{87}.", "(1, 2, 3)"),
        ("(K\u{1}l.", "[1]"), ("](K\u{1}K\u{2}e.", "[1, 2]"), ("]K\u{1}a.", "[1]"),
        ("(K\u{1}K\u{2}d.", "{1: 2}"), ("}K\u{1}K\u{2}s.", "{1: 2}"),
        ("}(K\u{1}K\u{2}K\u{3}K\u{4}u.", "{1: 2, 3: 4}"),
        ("\u{80}\u{4}\u{8F}(K\u{1}K\u{2}\u{90}.", "{1, 2}"), ("\u{80}\u{4}(K\u{1}\u{91}.", "{1}"),
        ("]p7\n0g7\n.", "[]"), ("]q\u{7}0h\u{7}.", "[]"),
        ("]r\u{7}\u{0}\u{0}\u{0}0j\u{7}\u{0}\u{0}\u{0}.", "[]"),
        ("\u{80}\u{4}]\u{94}0h\u{0}.", "[]"), ("K\u{1}2\u{86}.", "(1, 1)"),
        ("K\u{1}(K\u{2}1.", "1"),
        ("K\u{1}(0.", "1"), ("cos\nsystem\n.", "os.system"),
        ("\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}.", "os.system"),
        ("cos\nsystem\n(S'ls'\ntR.", "os.system('ls')"),
        ("(S'ls'\nios\nsystem\n.", "os.system('ls')"),
        ("(cos\nsystem\nS'ls'\no.", "os.system('ls')"),
        ("ca\nB\n)\u{81}.", "a.B()"), ("ca\nB\n)}\u{92}.", "a.B()"),
        ("ca\nB\n)\u{81}}K\u{1}K\u{2}sb.", "a.B() with {1: 2}"),
        ("ca\nB\n)\u{81}(K\u{1}K\u{2}u(K\u{3}e.", "a.B() [3] {1: 2}"),
        ("\u{80}\u{2}\u{82}\u{5}.", "copyreg.extension.5"),
        ("\u{80}\u{2}Pabc\n.", "persistent 'abc'"),
        ("K\u{1}Q.", "persistent 1"), ("ccollections\nOrderedDict\n)R.", "{}"),
        ("ccollections\nOrderedDict\n(](K\u{1}K\u{2}latR.", "{1: 2}"),
        ("ccollections\ndefaultdict\n(c__builtin__\nlist\ntR.", "{}"),
        ("cbuiltins\nset\n(](K\u{1}etR.", "{1}"), ("cbuiltins\nfrozenset\n)R.", "{}"),
        ("ctorch\nSize\n((K\u{2}ttR.", "(2,)"),
        ("ccopyreg\n_reconstructor\n(ca\nB\nNNtR.", "a.B()"),
        ("c_codecs\nencode\n(V\u{E9}\nVlatin1\ntR.", "1 bytes"),
        ("cbuiltins\nbytearray\n)R.", "0 bytes"),
        (
            "cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n(Vf8\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntb"
                + "c_codecs\nencode\n(V\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{F8}?\nVlatin1\ntRtR.", "1.5"
        ),
        (
            "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(Vi4\ntR(I3\nV>\nNNNI-1\nI-1\nI0\ntb"
                + "C\u{4}\u{0}\u{0}\u{1}\u{2}tR.", "258"
        ),
        ("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(Vb1\ntRC\u{1}\u{1}tR.", "True"),
        (
            "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\u{0}tC\u{1}btR(K\u{1}(K\u{2}K\u{1}t"
                + "cnumpy\ndtype\n(Vi2\ntRI01\nC\u{4}\u{1}\u{0}\u{2}\u{0}tb.",
            "tensor(int16 [2, 1])"
        ),
        ("ctorch\nfloat32\n.", "torch.float32"),
        ("cpathlib\nPosixPath\n(V/\nVa\ntR.", "pathlib.PosixPath('/', 'a')"),
    ]

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
