import TensorFiles

// Archives whose parts contradict one another, and files of other forms.
extension HostileForm {
    private typealias Entry = ZipBytes.Entry

    private static let call = PicklePrograms.bytes("cos\nsystem\n(S'id'\ntR.")
    private static let honest = Entry(name: "a/data.pkl", contents: PicklePrograms.bytes("}."))

    /// The honest pickle beside an entry that `change` has changed.
    private static func zip(
        _ name: String, _ outcome: Outcome, entry: String = "a/data/0",
        _ change: (inout ZipBytes.Entry) -> Void
    ) -> HostileForm {
        var changed = Entry(name: entry, contents: [UInt8](repeating: 7, count: 32))
        if entry.hasSuffix("data.pkl") { changed = honest }
        change(&changed)
        return HostileForm(
            name, ZipBytes.archive(entry.hasSuffix("data.pkl") ? [changed] : [honest, changed]),
            outcome)
    }

    static let archives: [HostileForm] = [
        .init(
            "data.pkl twice",
            ZipBytes.archive([honest, Entry(name: "a/data.pkl", contents: call)]),
            .refused(.malformed, "is in the archive twice")),
        .init(
            "two programs in two folders",
            ZipBytes.archive([honest, Entry(name: "b/data.pkl", contents: call)]),
            .refused(.malformed, "holds 2 programs: 'a/data.pkl', 'b/data.pkl'")),
        .init(
            "data.pkl behind the rest",
            ZipBytes.archive([
                Entry(name: "a/data/0", contents: [1]), Entry(name: "a/data.pkl", contents: call),
            ]), .record("os.system('id')")),
        zip(
            "another name in the local header", .refused(.malformed, "contradicts the directory"),
            entry: "a/data.pkl"
        ) {
            $0.localName = "a/evil.pkl"
        },
        zip("another size in the local header", .refused(.malformed, "contradicts the directory")) {
            $0.localSize = 8
        },
        zip(
            "another checksum in the local header",
            .refused(.malformed, "contradicts the directory")
        ) {
            $0.localChecksum = 1
        },
        zip(
            "encrypted in the directory alone", .refused(.malformed, "contradicts the directory"),
            entry: "a/data.pkl"
        ) {
            $0.flags = 1
            $0.localFlags = 0
        },
        zip("encrypted", .refused(.unsupported, "is encrypted"), entry: "a/data.pkl") {
            $0.flags = 1
        },
        zip(
            "a method of packing that is not read",
            .refused(.unsupported, "is packed by method 12"), entry: "a/data.pkl"
        ) {
            $0.method = 12
        },
        zip(
            "a wrong checksum of the program", .refused(.checksum, "the archive recorded another"),
            entry: "a/data.pkl"
        ) {
            $0.claimedChecksum = 1
        },
        zip("a stored entry of two sizes", .refused(.malformed, "is stored in 32 bytes but has 33"))
        {
            $0.claimedSize = 33
        },
        zip("a name out of the folder", .record("{}"), entry: "../../../../tmp/owned") { _ in },
        zip("an absolute name", .record("{}"), entry: "/etc/passwd") { _ in },
        zip("a name that steers the terminal", .record("{}"), entry: "a/\u{1B}[2J") { _ in },
        .init(
            "3 MiB out of 3 KiB",
            ZipBytes.archive([
                Entry(
                    name: "a/data.pkl", contents: [UInt8](repeating: 40, count: 3 << 20),
                    isDeflated: true)
            ]), .refused(.limit, "unpacks from")),
        .init(
            "a deflated program that claims 4 GiB",
            ZipBytes.archive([
                Entry(
                    name: "a/data.pkl", contents: call, isDeflated: true, claimedSize: 0xFFFF_FFFE)
            ]), .refused(.limit, "unpacks from")),
        .init(
            "zip64 sizes of 2^62",
            ZipBytes.archive(
                [
                    honest,
                    Entry(
                        name: "a/data/0", contents: [1], claimedSize: 1 << 62,
                        localSize: 0xFFFF_FFFF),
                ], wide: true),
            .refused(.malformed, "is stored in 1 bytes but has 4611686018427387904")),
        .init(
            "a program in front of the archive", call + ZipBytes.archive([honest]),
            .refused(.malformed, "bytes after its pickle")),
        .init(
            "bytes behind the archive", ZipBytes.archive([honest]) + call,
            .refused(.truncated, "is a zip file without its directory")),
        .init(
            "an archive in the comment of an archive",
            ZipBytes.archive(
                [honest], comment: ZipBytes.archive([Entry(name: "b/data.pkl", contents: call)])),
            .refused(.malformed, "has a damaged directory")),
        .init(
            "a script's code beside the program",
            ZipBytes.archive([
                honest, Entry(name: "a/code/__torch__.py", contents: Array("import os".utf8)),
            ]),
            .record("{}")),
        .init(
            "a script's constants",
            ZipBytes.archive([honest, Entry(name: "a/constants.pkl", contents: call)]),
            .record("{}")),
        .init(
            "a byte order that is none", Fixture.zip(byteOrder: "middle"),
            .refused(.malformed, "is neither 'little' nor 'big'")),
        .init("the other byte order", Fixture.zip(byteOrder: "big"), .tensors(3)),
        .init(
            "arrays in a zip file", ZipBytes.archive([Entry(name: "x.npy", contents: Samples.npy)]),
            .refused(.malformed, "is a zip file without data.pkl")),
        .init(
            "no entry at all", ZipBytes.archive([]),
            .refused(.malformed, "is no checkpoint of a known form")),
    ]

    static let otherArchives: [HostileForm] = [
        .init(
            "a pickle in a 7z archive", Array("7z".utf8) + [0xBC, 0xAF, 0x27, 0x1C, 0, 4] + call,
            .refused(.malformed, "is a 7z archive")),
        .init(
            "a pickle packed by gzip", [0x1F, 0x8B, 8, 0] + call,
            .refused(.malformed, "is packed by gzip")),
        .init(
            "a tar archive whose pickle is a link",
            Fixture.tarArchive(
                Fixture.tarParts.map { ($0.0, []) }, kind: "2", target: "/etc/passwd"),
            .refused(.malformed, "is a link in the archive")),
        .init(
            "a tar archive with a folder for a file",
            Fixture.tarArchive(Fixture.tarParts.map { ($0.0, []) }, kind: "5"),
            .refused(.malformed, "is a folder in the archive")),
        .init(
            "a tar archive with a file twice",
            Fixture.tarArchive(Fixture.tarParts + [("pickle", call)]),
            .refused(.malformed, "has 'pickle' twice")),
        .init(
            "a tar archive with a call",
            Fixture.tarArchive(Fixture.tarParts.map { $0.0 == "./pickle" ? ($0.0, call) : $0 }),
            .record("os.system('id')")),
        .init(
            "a tar archive that leads out of its folder",
            Fixture.tarArchive([("../../owned", call)]),
            .refused(.malformed, "is a tar archive without 'storages'")),
    ]

    static let others: [HostileForm] = [
        .init(
            "a safetensors header of 2^63 bytes",
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F] + Array("{}".utf8),
            .refused(.malformed, "is no checkpoint of a known form")),
        .init(
            "safetensors that overlap",
            Samples.safeTensorsFile(
                #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}}"#,
                data: [1, 2, 3]), .refused(.malformed, "tensors overlap")),
        .init(
            "safetensors named twice, once in escapes",
            Samples.safeTensorsFile(
                #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}"#,
                data: [1, 2]), .refused(.malformed, "names a tensor twice")),
        .init(
            "safetensors with a size below zero",
            Samples.safeTensorsFile(#"{"a":{"dtype":"I8","shape":[-1],"data_offsets":[0,0]}}"#),
            .refused(.malformed, "is too large or negative")),
        .init(
            "a safetensors header of 100,000 levels",
            Samples.safeTensorsFile(#"{"a":"# + String(repeating: "[", count: 100_000) + "}"),
            .refused(.malformed, "is nested deeper than 4 levels")),
        .init(
            "an array of Python objects as .npy",
            [0x93] + Array("NUMPY".utf8) + [1, 0, 58, 0]
                + Array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }  \n".utf8) + call,
            .refused(.unsupported, "which are no numbers")),
        .init(
            "an array of more elements than memory",
            [0x93] + Array("NUMPY".utf8) + [1, 0, 74, 0]
                + Array(
                    "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,), }"
                        .utf8),
            .refused(.truncated, "bytes for shape [4611686018427387904]")),
    ]
}
