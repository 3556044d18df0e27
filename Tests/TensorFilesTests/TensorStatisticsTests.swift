import Foundation
import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("Statistics of tensors") struct TensorStatisticsTests {
    static func tensor(
        _ type: ElementType, _ bytes: [UInt8], shape: [Int]
    ) throws -> TensorRecord {
        try #require(TensorRecord(type, shape: shape, contiguous: ByteSlice(copying: bytes)))
    }

    static func floats(_ values: [Float], shape: [Int]? = nil) throws -> TensorRecord {
        try tensor(.float32, Fixture.floats(values), shape: shape ?? [values.count])
    }

    private static func bytes<T>(_ values: [T]) -> [UInt8] {
        values.withUnsafeBytes { [UInt8]($0) }
    }

    @Test(
        "decoding piece by piece gives what decoding one by one gives",
        arguments: ElementType.allCases)
    func pieces(type: ElementType) throws {
        var random = Repeatable(state: 7)
        let count = 1001
        let bytes = (0..<count * type.byteCount).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        let tensor = try Self.tensor(type, bytes, shape: [7, 143])
        let expected = bytes.withUnsafeBytes { raw in
            (0..<count).map { type.double(in: raw, at: $0 * type.byteCount) }
        }
        var found: [Double] = []
        tensor.forEachPiece(of: 64) { piece in
            #expect(piece.count <= 64)
            found += piece
        }
        #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test("moments and range equal the plain formulas, over several pieces")
    func moments() throws {
        var random = Repeatable(state: 3)
        for count in [1, 7, 8, 9, 2048, 2049, 10_000] {
            let values = (0..<count).map { _ in Float.random(in: -3...5, using: &random) }
            let facts = TensorStatistics(try Self.floats(values))
            let doubles = values.map(Double.init)
            let mean = doubles.reduce(0, +) / Double(count)
            let variance = doubles.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
            #expect(facts.count == count && facts.finiteCount == count)
            #expect(abs(try #require(facts.mean) - mean) < 1e-12)
            #expect(abs(try #require(facts.standardDeviation) - variance.squareRoot()) < 1e-12)
            #expect(facts.min == doubles.min() && facts.max == doubles.max())
        }
    }

    @Test("a small spread around a large mean is not lost")
    func offset() throws {
        let values = (0..<100_000).map { 1e9 + Double($0 % 2) }
        let tensor = try Self.tensor(.float64, Self.bytes(values), shape: [values.count])
        let facts = TensorStatistics(tensor)
        #expect(facts.mean == 1e9 + 0.5)
        #expect(abs(try #require(facts.standardDeviation) - 0.5) < 1e-9)
    }

    @Test("NaN and infinities are counted, and do not reach mean and range")
    func nonFinite() throws {
        var values = [Float](repeating: 2, count: 5000)
        values[0] = .nan
        values[17] = .infinity
        values[4999] = -.infinity
        values[3000] = 4
        let facts = TensorStatistics(try Self.floats(values))
        #expect(facts.nanCount == 1 && facts.infinityCount == 2 && facts.finiteCount == 4997)
        #expect(facts.min == 2 && facts.max == 4)
        #expect(abs(try #require(facts.mean) - (2 + 2.0 / 4997)) < 1e-12)
        #expect(facts.constant == nil)

        let none = TensorStatistics(try Self.floats([.nan, .infinity]))
        #expect(none.mean == nil && none.standardDeviation == nil && none.min == nil)
        #expect(TensorStatistics(try Self.floats([])).mean == nil)
    }

    @Test("sums beyond the largest double give no number rather than a wrong one")
    func overflow() throws {
        let values = [Double](repeating: .greatestFiniteMagnitude, count: 64)
        let facts = TensorStatistics(
            try Self.tensor(.float64, Self.bytes(values), shape: [64]))
        #expect(facts.mean == nil && facts.infinityCount == 0)
        #expect(facts.max == .greatestFiniteMagnitude)
    }

    @Test("zeros and denormals, by the type's own limit")
    func subnormal() throws {
        let singles: [Float] = [
            0, -0.0, 0x1p-140, -0x1p-130, .leastNormalMagnitude, 1, 2, 3, 4, 0x1p-149,
        ]
        let float32 = TensorStatistics(try Self.floats(singles))
        #expect(float32.zeroCount == 2 && float32.subnormalCount == 3)
        let halves: [Float16] = [0, 0x1p-24, 0x1p-17, 0x1p-10, 1]
        let float16 = TensorStatistics(
            try Self.tensor(.float16, Self.bytes(halves), shape: [5]))
        #expect(float16.zeroCount == 1 && float16.subnormalCount == 2)
        let doubles = [0x1p-1030, 0x1p-1000, 0]
        let float64 = TensorStatistics(
            try Self.tensor(.float64, Self.bytes(doubles), shape: [3]))
        #expect(float64.zeroCount == 1 && float64.subnormalCount == 1)
        let integers = TensorStatistics(try Self.tensor(.uint8, [0, 1, 0], shape: [3]))
        #expect(integers.zeroCount == 2 && integers.subnormalCount == 0)
    }

    @Test("constant tensors") func constant() throws {
        #expect(TensorStatistics(try Self.floats([3, 3, 3])).constant == 3)
        #expect(TensorStatistics(try Self.floats([3, 3, 2])).constant == nil)
        #expect(TensorStatistics(try Self.floats([])).constant == nil)
    }

    @Test("strided and big-endian tensors are read in their own order") func strided() throws {
        let storage = ByteSlice(copying: Fixture.floats([0, 1, 2, 3, 4, 5, 6]))
        let view = try TensorRecord(
            .float32, shape: [3], strides: [2], storage: storage, storageOffset: 1)
        let facts = TensorStatistics(view)
        #expect(facts.mean == 3 && facts.min == 1 && facts.max == 5)
        let swapped = try TensorRecord(
            .float32, shape: [1], strides: [1], storage: ByteSlice(copying: [0x3F, 0x80, 0, 0]),
            isBigEndian: true)
        #expect(TensorStatistics(swapped).mean == 1)
    }

    @Test("rows of zeros") func zeroRows() throws {
        let weight = try Self.floats([0, 1, 0, -0.0, 0, 0, 2, 0], shape: [4, 2])
        #expect(weight.zeroRows() == [1, 2])
        #expect(try Self.floats([0, 0], shape: [2]).zeroRows().isEmpty)
        #expect(try Self.floats([], shape: [0, 2]).zeroRows().isEmpty)
        let conv = try Self.floats([Float](repeating: 0, count: 8), shape: [2, 2, 2])
        #expect(conv.zeroRows() == [0, 1])
    }
}
