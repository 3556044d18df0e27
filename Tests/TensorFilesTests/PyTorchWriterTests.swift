import Foundation
import Testing

@testable import TensorFiles

@Suite("Writing PyTorch's form") struct PyTorchWriterTests {
    private func tensor(_ type: ElementType, _ shape: [Int], first: UInt8) -> PyTorchWriter.Tensor {
        let count = shape.reduce(type.byteCount, *)
        let bytes = (0..<count).map { type == .bool ? UInt8($0 % 2) : first &+ UInt8($0 % 64) }
        return PyTorchWriter.Tensor(type, shape: shape) { try bytes.withUnsafeBytes($0) }
    }

    static let types: [ElementType] = [
        .bool, .uint8, .int8, .int16, .int32, .int64, .float16, .bfloat16, .float32, .float64,
    ]

    @Test("our reader gives the same, for every type and rank")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model.pth")
        var tensors: [(name: String, value: PyTorchWriter.Value)] = []
        for (number, type) in Self.types.enumerated() {
            for (rank, shape) in [[], [0], [5], [2, 3], [2, 1, 3, 2]].enumerated() {
                tensors.append(
                    (
                        "\(type.torchName).\(rank)",
                        .tensor(tensor(type, shape, first: UInt8(number)))
                    ))
            }
        }
        try PyTorchWriter.write(
            .dictionary([
                ("state_dict", .dictionary(tensors)), ("epoch", .integer(7)),
                ("large", .integer(1 << 40)), ("best", .real(0.25)), ("name", .text("größer")),
                ("ema", .bool(true)), ("none", .none), ("empty", .dictionary([])),
            ]), to: path)

        let file = try PyTorchFile(path: path)
        let found = try file.tensors(under: ["state_dict"])
        #expect(found.map(\.name) == tensors.map(\.name))
        for ((_, record), (name, value)) in zip(found, tensors) {
            guard case .tensor(let tensor) = value else { continue }
            #expect(record.shape == tensor.shape && record.elementType == tensor.elementType)
            var written: [UInt8] = []
            try tensor.contents { written = Array($0) }
            var read = [UInt8](repeating: 0, count: written.count)
            read.withUnsafeMutableBytes { record.copyContiguous(into: $0) }
            #expect(read == written, "\(name)")
        }
        let root = Dictionary(
            file.root.children.map { ($0.name, "\($0.value)") }, uniquingKeysWith: { $1 })
        #expect(root["epoch"] == "7" && root["large"] == "\(1 << 40)" && root["best"] == "0.25")
        #expect(root["name"]?.contains("größer") == true && root["ema"]?.lowercased() == "true")
    }

    @Test("records begin at multiples of 64 bytes")
    func alignment() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model.pth")
        let marks: [UInt8] = [0xA1, 0xB2, 0xC3]
        try PyTorchWriter.write(
            .dictionary(
                marks.map { mark in
                    let bytes = [UInt8](repeating: mark, count: 13)
                    return (
                        "t\(mark)",
                        .tensor(
                            PyTorchWriter.Tensor(.uint8, shape: [13]) {
                                try bytes.withUnsafeBytes($0)
                            })
                    )
                }), to: path)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for mark in marks {
            let run = Array(repeating: mark, count: 13)
            let start = try #require(
                (0..<bytes.count - 13).first { Array(bytes[$0..<$0 + 13]) == run })
            #expect(start % 64 == 0)
        }
    }

    @Test("places beyond 32 bits and more files than 16 bits count have the form zip64")
    func wide() throws {
        let folder = try TemporaryFolder()
        func archive(_ name: String, wideFrom wide: Int, count: Int) throws -> ZipArchive {
            let file = try AtomicFile(path: folder.file(name))
            var writer = ZipWriter(file, folder: "archive", wideFrom: wide)
            for number in 0..<count { try writer.add("\(number)", [UInt8(number % 251), 7]) }
            try writer.finish()
            try file.commit()
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file(name))))
            #expect(bytes.suffix(22).contains(0xFF) == (wide < 1000 || count > 65_000))
            return try ZipArchive(ByteSlice(copying: bytes), file: name)
        }
        // Of four files the last two begin behind byte 200.
        for (wide, count) in [(200, 4), (0, 1), (.max, 4), (1 << 32, 65_536)] {
            let found = try archive("\(wide)-\(count).zip", wideFrom: wide, count: count)
            #expect(found.entries.count == count)
            for number in [0, count / 2, count - 1] {
                let entry = try #require(found["archive/\(number)"])
                #expect(entry.dataOffset % 64 == 0)
                let bytes = try found.storedBytes(of: entry).withUnsafeBytes { [UInt8]($0) }
                #expect(bytes == [UInt8(number % 251), 7])
            }
        }
    }

    @Test("a type without a storage is refused, and nothing is written")
    func refusal() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model.pth")
        let error = try #require(
            throws: TensorFileError.self
        ) {
            try PyTorchWriter.write(
                .dictionary([("w", .tensor(tensor(.float8e4m3, [2], first: 1)))]), to: path)
        }
        #expect(error.kind == .unsupported && "\(error)".contains("float8_e4m3fn"))
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
