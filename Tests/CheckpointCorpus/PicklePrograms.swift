/// Pickles as texts, in which every character stands for the byte of its number.
enum PicklePrograms {
    /// Programs of each protocol and what they stand for, in Python's spelling.
    static let values: [(program: String, value: String)] = [
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

    /// Programs that ask for calls which no checkpoint needs.
    static let attacks: [String] = [
        "cos\nsystem\n(S'touch /tmp/owned'\ntR.", "cposix\nsystem\n(S'id'\ntR.",
        "(S'id'\nios\nsystem\n.", "(cos\nsystem\nS'id'\no.",
        "cbuiltins\neval\n(S'1'\ntR.", "cbuiltins\nexec\n(S'1'\ntR.",
        "cbuiltins\n__import__\n(S'os'\ntR.",
        "cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR(S'id'\ntR.",
        "csubprocess\nPopen\n(](S'id'\netR.", "csubprocess\ncheck_output\n(S'id'\ntR.",
        "crunpy\n_run_code\n(S'x'\n}tR.", "ctimeit\ntimeit\n(S'x'\ntR.",
        "ccode\nInteractiveInterpreter\n)RVruncode\n\u{86}.",
        "coperator\nattrgetter\n(S'system'\ntR(cbuiltins\n__import__\n(S'os'\ntRtR.",
        "cfunctools\npartial\n(cos\nsystem\nS'id'\ntR)R.",
        "ctorch.hub\nload\n(S'a/b'\nS'c'\ntR.", "ctorch.serialization\nload\n(S'x'\ntR.",
        "ctorch.storage\n_load_from_bytes\n(C\u{3}abctR.",
        "cnumpy.testing._private.utils\nrunstring\n(S'x'\n}tR.",
        "cshutil\nrmtree\n(S'/nowhere'\ntR.", "cio\nopen\n(S'/etc/passwd'\ntR.",
        "cwebbrowser\nopen\n(S'http://x'\ntR.", "ccProfile\nrun\n(S'x'\ntR.",
        "cpip\nmain\n(](S'install'\netR.", "ctypes\nCodeType\n)R.",
        "ca\nB\n)\u{81}(Vsetstate\ncos\nsystem\ndb.",
        "ccollections\nOrderedDict\n(cos\nsystem\ntR.",
        "ccollections\ndefaultdict\n(cos\nsystem\ntR.",
        "cbuiltins\nset\n(cos\nsystem\ntR.", "cos\nsystem\n(S'id'\nt\u{81}.",
        "cos\nsystem\n)}\u{92}.",
        "\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}\u{8C}\u{2}id\u{85}R.",
        "(cos\nsystem\nS'id'\ntQ.",
        "ctorch._utils\n_rebuild_parameter\n(cos\nsystem\n(S'id'\ntRI01\nNtR.",
        "ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nca\nB\n(S'id'\nt}tR.",
        "cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(K\u{0}tC\u{1}btR.", "cos\nsystem\n.",
    ]

    static func bytes(_ program: String) -> [UInt8] {
        program.unicodeScalars.map { UInt8($0.value) }
    }
}
