import Foundation
import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("Safetensors reading") struct SafeTensorsFileTests {
    /// Size field, header and data.
    static func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
        Samples.safeTensorsFile(header, data: data)
    }

    static func open(_ bytes: [UInt8]) throws -> SafeTensorsFile {
        try SafeTensorsFile(path: "case.safetensors", contents: ByteSlice(copying: bytes))
    }

    @Test("names in the order of the data, types, shapes, bytes, metadata")
    func reads() throws {
        let header = """
            {"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
             "__metadata__":{"format":"pt","a":"é\\"x"},
             "a":{"dtype":"BF16","shape":[1,3],"data_offsets":[8,14]},
             "empty":{"dtype":"I64","shape":[0,4],"data_offsets":[14,14]},
             "s":{"dtype":"U8","shape":[],"data_offsets":[14,15]}}
            """
        let floats: [Float] = [1.5, -2]
        let data = floats.withUnsafeBytes { [UInt8]($0) } + [0x80, 0x3F, 0, 0xC0, 0, 0] + [7]
        let file = try Self.open(Self.file(header, data: data))
        #expect(file.names == ["b", "a", "empty", "s"])
        #expect(file.metadata == ["format": "pt", "a": "é\"x"])
        #expect(try file.tensor("b").doubles() == [1.5, -2])
        #expect(try file.tensor("a").doubles() == [1, -2, 0])
        #expect(try file.tensor("a").elementType == .bfloat16)
        #expect(try file.tensor("empty").shape == [0, 4])
        #expect(try file.tensor("s").scalar == 7)
        #expect(try Array(file.bytes(of: "b")) == Array(data[..<8]))
        #expect(file["nothing"] == nil)
        #expect { try file.tensor("nothing") } throws: { error in
            (error as? TensorFileError)?.kind == .missingKey
        }
        #expect(try !file.verify())
    }

    @Test("an absent file, a folder, an empty file") func unreadable() throws {
        let folder = try TemporaryFolder()
        for path in [folder.file("nothing"), folder.path, "/dev/zero"] {
            #expect { try SafeTensorsFile(path: path) } throws: { error in
                (error as? TensorFileError)?.kind == .unreadable
            }
        }
        let empty = try folder.write([], as: "empty")
        #expect { try SafeTensorsFile(path: empty) } throws: { error in
            (error as? TensorFileError)?.kind == .truncated
        }
    }

    static let f32 = #""dtype":"F32","shape":[2],"data_offsets""#
    static let refused: [(header: String, dataCount: Int, message: String)] = [
        ("[]", 0, "opening brace"),
        ("{", 0, "JSON"),
        ("{}", 1, "has 1 bytes, the tensors use 0"),
        ("{\"a\":{\(f32):[0,8]}", 8, "not valid JSON"),
        ("{\"a\":{\(f32):[0,8]}}", 7, "ends at byte 8 of the data, which has 7"),
        ("{\"a\":{\(f32):[0,8]}}", 9, "has 9 bytes, the tensors use 8"),
        ("{\"a\":{\(f32):[4,12]}}", 12, "unused bytes"),
        ("{\"a\":{\(f32):[0,8]},\"b\":{\(f32):[4,12]}}", 12, "overlap"),
        ("{\"a\":{\(f32):[0,8]},\"b\":{\(f32):[0,8]}}", 8, "overlap"),
        ("{\"a\":{\(f32):[8,0]}}", 8, "unused bytes"),
        ("{\"a\":{\(f32):[0,4]}}", 4, "needs 8"),
        ("{\"a\":{\(f32):[0]}}", 8, "[begin, end]"),
        ("{\"a\":{\(f32):[-8,0]}}", 8, "[begin, end]"),
        ("{\"a\":{\(f32):[0,1e99]}}", 8, "JSON"),
        ("{\"a\":{\(f32):[0,8]},\"a\":{\(f32):[0,8]}}", 8, "twice"),
        ("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"),
        ("{\"a\":{\"dtype\":\"F33\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "'F33'"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "negative"),
        (
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
            0, "too large"
        ),
        (
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967296,4294967296],\"data_offsets\":[0,0]}}",
            0, "too large"
        ),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, "data_offsets"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "JSON"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":\"1\",\"data_offsets\":[0,4]}}", 4, "'a.shape'"),
        ("{\"__metadata__\":{\"a\":1}}", 0, "'__metadata__.a'"),
        ("{\"a\":[[[[[1]]]]]}", 0, "deeper"),
        ("{\"a\":" + String(repeating: "[", count: 100_000), 0, "deeper"),
    ]

    @Test("contradictions are refused", arguments: refused.indices) func refuses(index: Int) throws
    {
        let item = Self.refused[index]
        let bytes = Self.file(item.header, data: [UInt8](repeating: 0, count: item.dataCount))
        #expect { try Self.open(bytes) } throws: { error in
            "\(error)".contains(item.message) && "\(error)".hasPrefix("case.safetensors: ")
        }
    }

    @Test("a header larger than allowed or than the file") func headerSize() throws {
        for size in [UInt64(9), 100_000_001, .max, 1 << 63] {
            let bytes = withUnsafeBytes(of: size.littleEndian) { [UInt8]($0) } + Array("{}".utf8)
            #expect(throws: TensorFileError.self) { try Self.open(bytes) }
        }
    }

    @Test("a message reads as a sentence") func message() throws {
        let error = TensorFileError(
            .malformed, file: "a.pt", place: "'x'", problem: "is odd", remedy: "fetch it again")
        #expect("\(error)" == "a.pt: 'x': is odd; fetch it again")
    }
}
