import TensorFiles

// Pickles that hide what they do, that hold others, and that take more than they are.
extension HostileForm {
    private static let storedCall = "cos\nsystem\n(S'id'\ntR"

    static let disguises: [HostileForm] = [
        .init(
            "a call whose result is dropped", pickle: "\(storedCall)0}(VK\nK\u{1}u.",
            .record("{'K': 1}")),
        .init(
            "a call below a mark that is dropped", pickle: "(\(storedCall)1N.", .record("None")),
        .init(
            "a memo entry that is replaced",
            pickle: "cbuiltins\nlist\np0\n0cos\nsystem\np0\n0g0\n(S'id'\ntR.",
            .record("os.system('id')")),
        .init(
            "a memo entry without number order",
            pickle: "cos\nsystem\nr\u{FF}\u{FF}\u{FF}\u{7F}0j\u{FF}\u{FF}\u{FF}\u{7F})R.",
            .record("os.system()")),
        .init(
            "a memo entry that nobody wrote", pickle: "\u{80}\u{2}h\u{5}(S'id'\ntR.",
            .refused(.malformed, "recalls memo entry 5")),
        .init(
            "protocol 0", pickle: "cos\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.",
            .record("os.system('id')")),
        .init(
            "protocol 1", pickle: "cos\nsystem\nq\u{0}(U\u{2}idq\u{1}tq\u{2}Rq\u{3}.",
            .record("os.system('id')")),
        .init(
            "protocol 3", pickle: "\u{80}\u{3}cos\nsystem\nX\u{2}\u{0}\u{0}\u{0}id\u{85}R.",
            .record("os.system('id')")),
        .init(
            "protocol 5 with a byte array",
            pickle:
                "\u{80}\u{5}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}\u{96}\u{2}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}id\u{85}R.",
            .record("os.system(2 bytes)")),
        .init(
            "a protocol that is none", pickle: "\u{80}\u{FF}\(storedCall).",
            .refused(.unsupported, "has pickle protocol 255")),
        .init(
            "PROTO in the middle, another one",
            pickle: "\u{80}\u{2}cos\nsystem\n\u{80}\u{5}(S'id'\ntR.",
            .record("os.system('id')")),
        .init(
            "a frame that is too long",
            pickle: "\u{80}\u{4}\u{95}\u{FF}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\(storedCall).",
            .refused(.truncated, "announces 255 bytes")),
        .init(
            "a frame of 2^63 bytes",
            pickle: "\u{80}\u{4}\u{95}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{80}\(storedCall).",
            .refused(.truncated, "announces 9223372036854775808 bytes")),
        .init(
            "a frame that ends inside an opcode",
            pickle: "\u{80}\u{4}\u{95}\u{3}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\(storedCall).",
            .record("os.system('id')")),
        .init("a name with a space", pickle: "cos \nsystem \n)R.", .record("os .system ()")),
        .init(
            "names with carriage returns", pickle: "cos\r\nsystem\r\n)R.",
            .record("os\u{FFFD}.system\u{FFFD}()")),
        .init(
            "a name that clears the terminal", pickle: "c\u{1B}[2Jos\nsystem\n)R.",
            .record("\u{FFFD}[2Jos.system()")),
        .init(
            "a name with letters of another script", pickle: "c\u{D0}\u{BE}s\nsystem\n)R.",
            .record("\u{43E}s.system()")),
        .init(
            "a name that turns the direction of writing",
            pickle: "c\u{E2}\u{80}\u{AE}so\nmetsys\n)R.",
            .record("\u{FFFD}so.metsys()")),
        .init(
            "a name with spaces of no width", pickle: "cos\u{E2}\u{80}\u{8B}\nsystem\n)R.",
            .record("os\u{FFFD}.system()")),
        .init(
            "a name that is no UTF-8", pickle: "c\u{FF}os\nsystem\n)R.",
            .record("\u{FFFD}os.system()")),
        .init(
            "a name of many kilobytes", pickle: "c\(String(repeating: "a", count: 70_000))\nb\n.",
            .refused(.limit, "has a line of more than 65536 bytes")),
        .init("no STOP", pickle: storedCall, .refused(.truncated, "ends before its STOP")),
        .init(
            "STOP on an empty stack", pickle: "(.",
            .refused(.malformed, "is damaged or no checkpoint")),
        .init(
            "a second pickle behind the first", pickle: "N.\(storedCall).",
            .refused(.malformed, "bytes after its pickle")),
        .init(
            "an opcode that is none", pickle: "N\u{FF}.",
            .refused(.malformed, "has unknown opcode 0xff")),
        .init(
            "a buffer outside of the file", pickle: "\u{80}\u{5}\u{97}.",
            .refused(.unsupported, "refers to buffers that are kept outside the file")),
    ]

    static let nestings: [HostileForm] = [
        .init(
            "a pickle inside of a pickle",
            pickle: "c_pickle\nloads\n(C\u{E}cos\nsystem\n)R.tR.",
            .record("_pickle.loads(14 bytes)")),
        .init(
            "a storage that is a bare pickle",
            pickle: "ctorch.storage\n_load_from_bytes\n(C\u{E}cos\nsystem\n)R.tR.",
            .record("torch.storage._load_from_bytes(14 bytes)")),
        .init(
            "code by marshal",
            pickle:
                "ctypes\nFunctionType\n(cmarshal\nloads\n(C\u{4}\u{E3}\u{0}\u{0}\u{0}tRcbuiltins\nglobals\n)RtR)R.",
            .record("the result of a call()")),
        .init(
            "torch.load within torch.load",
            Fixture.zip(
                PicklePrograms.bytes("ctorch\nload\n(cio\nBytesIO\n(C\u{4}PK\u{3}\u{4}tRtR."),
                storages: []),
            .record("torch.load(io.BytesIO(4 bytes))")),
        .init(
            "keys of an old file that are a call",
            Fixture.legacyStream(
                PicklePrograms.bytes("}."), keys: PicklePrograms.bytes("\(storedCall).")),
            .refused(.malformed, "keys")),
        .init(
            "facts of an old file that are a call",
            Fixture.legacyStream(
                PicklePrograms.bytes("}."), facts: PicklePrograms.bytes("\(storedCall).")),
            .record("{}")),
        .init(
            "a dictionary that names a call as its method",
            pickle: "}(V__reduce__\ncos\nsystem\nV__class__\ncbuiltins\neval\nu.",
            .record("{'__reduce__': os.system, '__class__': builtins.eval}")),
    ]

    static let bombs: [HostileForm] = [
        .init(
            "LONG4 of 2 GiB", pickle: "\u{80}\u{2}\u{8B}\u{FF}\u{FF}\u{FF}\u{7F}\u{1}.",
            .refused(.truncated, "announces 2147483647 bytes")),
        .init(
            "LONG4 below zero", pickle: "\u{80}\u{2}\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}\u{1}.",
            .refused(.truncated, "announces 4294967295 bytes")),
        .init(
            "an integer of 2 MiB",
            [0x80, 2, 0x8B, 0, 0, 0x20, 0] + [UInt8](repeating: 1, count: 1 << 21) + [46],
            .refused(.limit, "has an integer of 2097152 bytes")),
        .init(
            "an integer of 60,000 digits", pickle: "L\(String(repeating: "9", count: 60_000))L\n.",
            .refused(.limit, "has an integer of 60000 digits")),
        .init(
            "a text of 2^63 bytes",
            pickle: "\u{80}\u{4}\u{8D}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{7F}a.",
            .refused(.truncated, "announces")),
        .init(
            "2^100 values by sharing",
            pickle: "]" + String(repeating: "q\u{0}]h\u{0}ah\u{0}a", count: 100) + ".",
            .record("[[[[[…, …], […, …]]")),
        .init(
            "2^60 tensors by sharing",
            Fixture.zip(
                PickleBytes.program { p in
                    p.tensor(Fixture.weight)
                    for _ in 0..<60 { p.bytes += PicklePrograms.bytes("q\u{0}]h\u{0}ah\u{0}a") }
                }), .refusedWalk("gives its few tensors more than 1088 names")),
        .init(
            "100,000 lists in one another",
            pickle: String(repeating: "]", count: 100_000) + String(repeating: "a", count: 99_999)
                + ".",
            .refusedWalk("is nested deeper than 200 levels")),
        .init(
            "long names",
            Fixture.zip(
                PickleBytes.program { p in
                    p.dict { p in
                        p.text(String(repeating: "x", count: 60_000))
                        p.op("(")
                        for _ in 0..<20 { p.tensor(Fixture.weight) }
                        p.op("l")
                    }
                }), .refusedWalk("has names of more than 1000000 bytes"), limits: few),
        .init("a list in itself", pickle: "]q\u{0}h\u{0}a.", .refusedWalk("contains itself")),
        .init(
            "copies of copies",
            pickle: "(NNNNNNNNNNNNNNNNl"
                + String(repeating: "q\u{0}0cbuiltins\ntuple\n(h\u{0}tR", count: 400) + ".",
            .refused(.limit, "makes more than"), limits: few),
        .init(
            "a list that is nearly pairs, again and again",
            pickle: "(" + String(repeating: ")", count: 200) + "lq\u{0}0"
                + String(repeating: "cbuiltins\ndict\nh\u{0}\u{85}R0", count: 200) + "N.",
            .refused(.limit, "makes more than"), limits: few),
        .init(
            "a thousand objects that share a large state",
            pickle: "}(" + String(repeating: "K\u{1}N", count: 300) + "uq\u{0}0ca\nB\nq\u{1}0("
                + String(repeating: "h\u{1})\u{81}h\u{0}b", count: 200) + "l.",
            .refusedWalk("takes more than"), limits: few),
        .init(
            "more tensors than names",
            Fixture.zip(
                PickleBytes.program { p in
                    p.op("(")
                    for _ in 0..<40 { p.tensor(Fixture.weight) }
                    p.op("l")
                }), .refused(.limit, "makes more than 30 tensors"), limits: few),
        .init(
            "nothing but marks", pickle: String(repeating: "(", count: 50_000) + ".",
            .refused(.malformed, "empty stack")),
        .init(
            "a deep stack and empty tuples",
            pickle: String(repeating: "N", count: 50_000) + String(repeating: "(t", count: 50_000)
                + ".", .record("()")),
    ]

    /// Limits that a small file reaches.
    private static let few = {
        var limits = PickleLimits()
        limits.items = 3000
        limits.names = 30
        limits.nameBytes = 1_000_000
        return limits
    }()
}
