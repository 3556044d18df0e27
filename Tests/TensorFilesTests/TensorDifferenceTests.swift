import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

@Suite("Differences of tensors") struct TensorDifferenceTests {
    private typealias Other = TensorStatisticsTests

    private static func bytes<T>(_ values: [T]) -> [UInt8] {
        values.withUnsafeBytes { [UInt8]($0) }
    }

    @Test("equal tensors, NaN among them") func equal() throws {
        let a = try Other.floats([1, .nan, -.infinity, 0])
        let difference = TensorDifference(a, a)
        #expect(difference.isEqual && difference.equalShare == 1 && difference.worstIndex == nil)
        // Other bits, the same numbers: -0 is 0, and a NaN is a NaN.
        let b = try Other.floats([1, -.nan, -.infinity, -0.0])
        #expect(TensorDifference(a, b).isEqual)
        #expect(TensorDifference(try Other.floats([]), try Other.floats([])).equalShare == 1)
    }

    @Test("largest differences, their place and the share that is equal") func values() throws {
        var values = [Float](repeating: 4, count: 5000)
        let a = try Other.floats(values)
        values[10] = 4.5
        values[4321] = 3
        let difference = TensorDifference(a, try Other.floats(values))
        #expect(difference.maxAbsolute == 1 && difference.worstIndex == 4321)
        #expect(difference.maxRelative == 0.25 && difference.equalCount == 4998)
        #expect(!difference.isEqual && difference.equalShare == 0.9996)
    }

    @Test("either tolerance is enough") func tolerance() throws {
        let a = try Other.floats([1, 100])
        let b = try Other.floats([1.25, 104])
        func equalCount(_ absolute: Double, _ relative: Double) -> Int {
            TensorDifference(a, b, tolerance: .init(absolute: absolute, relative: relative))
                .equalCount
        }
        #expect(equalCount(0, 0) == 0 && equalCount(0.25, 0) == 1 && equalCount(4, 0) == 2)
        #expect(equalCount(0, 0.04) == 1 && equalCount(0, 0.2) == 2 && equalCount(0.25, 0.04) == 2)
        // The differences themselves are those of the numbers.
        let difference = TensorDifference(a, b, tolerance: .init(absolute: 4))
        #expect(difference.isEqual && difference.maxAbsolute == 4)
    }

    @Test("NaN or infinite in one alone") func nonFinite() throws {
        let a = try Other.floats([.nan, 1, .infinity, .infinity, 2])
        let b = try Other.floats([1, .infinity, -.infinity, .infinity, 2])
        let difference = TensorDifference(a, b, tolerance: .init(absolute: 1e30))
        #expect(difference.nonFiniteCount == 3 && difference.equalCount == 2)
        #expect(difference.maxAbsolute == 0 && !difference.isEqual)
    }

    @Test("types that differ are compared as numbers") func types() throws {
        let single = try Other.floats([1, -2, 0.5])
        let half = try Other.tensor(
            .float16, Self.bytes([1, -2, 0.5] as [Float16]), shape: [3])
        #expect(TensorDifference(single, half).isEqual)
        let bytes = try Other.tensor(.int8, [1, 254, 0], shape: [3])
        let difference = TensorDifference(single, bytes)
        #expect(difference.equalCount == 2 && difference.maxAbsolute == 0.5)
        let brain = try Other.tensor(.bfloat16, [0x80, 0x3F, 0, 0xC0, 0, 0x3F], shape: [3])
        #expect(TensorDifference(half, brain).isEqual)
    }

    @Test("large integers are compared to the last digit") func integers() throws {
        let values: [Int64] = [1 << 60, .min, 5]
        let a = try Other.tensor(.int64, Self.bytes(values), shape: [3])
        let b = try Other.tensor(
            .int64, Self.bytes([(1 << 60) + 1, .max, 5] as [Int64]), shape: [3])
        let difference = TensorDifference(a, b)
        #expect(difference.equalCount == 1 && difference.worstIndex == 1)
        #expect(difference.maxAbsolute == 0x1p64)
        let unsigned = try Other.tensor(
            .uint64, Self.bytes([1 << 60, 1 << 63, 5] as [UInt64]), shape: [3])
        #expect(TensorDifference(a, unsigned).equalCount == 2)
    }

    @Test("strided tensors are compared by place, not by storage") func strided() throws {
        let storage = ByteSlice(copying: Fixture.floats([1, 2, 3, 4]))
        let transposed = try TensorRecord(
            .float32, shape: [2, 2], strides: [1, 2], storage: storage)
        let plain = try Other.floats([1, 3, 2, 4], shape: [2, 2])
        #expect(TensorDifference(transposed, plain).isEqual)
    }
}
