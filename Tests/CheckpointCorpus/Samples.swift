/// Small sound files of every form.
enum Samples {
    /// With a name for messages.
    static let whole: [(String, [UInt8])] = {
        var files: [(String, [UInt8])] = [
            ("zip", Fixture.zip()), ("legacy", Fixture.legacy()), ("tar", Fixture.tar()),
            (
                "pickle",
                PicklePrograms.values.map(\.program).max { $0.count < $1.count }
                    .map { $0.unicodeScalars.map { UInt8($0.value) } } ?? []
            ),
        ]
        files.append(
            (
                "deflated",
                ZipBytes.archive(
                    [
                        .init(name: "a/data.pkl", contents: Fixture.object(), isDeflated: true),
                        .init(name: "a/data/0", contents: Fixture.weight.storage, isDeflated: true),
                        .init(name: "a/data/1", contents: Fixture.step.storage),
                    ], wide: true)
            ))
        files.append(("safetensors", safeTensors))
        files.append(("npy", npy))
        return files
    }()

    static let safeTensors = safeTensorsFile(
        #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""b":{"dtype":"I8","shape":[1,2],"data_offsets":[8,10]}}"#,
        data: [UInt8](repeating: 1, count: 10))

    static let npy: [UInt8] =
        [0x93] + Array("NUMPY\u{1}\u{0}".utf8) + [70, 0]
        + Array("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }".utf8)
        + [UInt8](repeating: 32, count: 11) + [10] + Fixture.floats([1, 2, 3, 4, 5, 6])

    /// Size field, header and data.
    static func safeTensorsFile(_ header: String, data: [UInt8] = []) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { [UInt8]($0) }
            + Array(header.utf8) + data
    }
}
