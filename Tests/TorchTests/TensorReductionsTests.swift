import Foundation
import Testing
import Torch

@Suite("Reductions") struct TensorReductionsTests {
    private static let cases: [([Int], Int)] = [
        ([4], 0), ([3, 4], 0), ([3, 4], 1), ([3, 4], -1), ([2, 3, 4], 1), ([0, 3], 1), ([3, 1], 1),
    ]

    @Test("along one dimension, with and without keeping it", arguments: cases)
    func along(shape: [Int], dim: Int) {
        let a = Naive(random: shape)
        let x = a.tensor
        let axis = dim < 0 ? dim + shape.count : dim
        func expectBoth(
            _ run: (Bool) -> Tensor, _ body: ([Double]) -> Double,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let reduced = a.reduced(axis, body)
            expect(run(false), equals: reduced, sourceLocation: sourceLocation)
            var kept = shape
            kept[axis] = 1
            expect(
                run(true), equals: Naive(kept, values: reduced.values),
                sourceLocation: sourceLocation)
        }
        expectBoth({ x.sum(dim, keepDim: $0) }, sum)
        expectBoth({ x.mean(dim, keepDim: $0) }, mean)
        if shape[axis] > 1 { expectBoth({ x.variance(dim, keepDim: $0) }, { variance($0, 1) }) }
        expectBoth({ x.variance(dim, correction: 0, keepDim: $0) }, { variance($0, 0) })
        expectBoth({ x.norm(dim, keepDim: $0) }, length)
        expectBoth(
            { x.logSumExp(dim, keepDim: $0) },
            { Foundation.log(sum($0.map { Foundation.exp($0) })) })
        expect(x.normalized(dim), equals: a.along(axis) { v in v.map { $0 / length(v) } })
    }

    @Test("over everything", arguments: [[], [5], [2, 3]])
    func all(shape: [Int]) {
        let a = Naive(random: shape)
        let x = a.tensor
        func expectItem(_ found: Tensor, _ value: Double) {
            expect(found, equals: Naive([], values: [value]))
        }
        expectItem(x.sum(), sum(a.values))
        expectItem(x.mean(), mean(a.values))
        expectItem(x.max(), a.values.max() ?? 0)
        expectItem(x.min(), a.values.min() ?? 0)
        expectItem(x.norm(), length(a.values))
    }

    @Test("several dimensions at once, and of nothing")
    func several() {
        let a = Naive(random: [2, 3, 4])
        let both = a.reduced(2, sum).reduced(0, sum)
        expect(a.tensor.sum(0, 2), equals: both)
        expect(a.tensor.mean(0, 2), equals: both.map { $0 / 8 })
        expect(
            a.tensor.variance(1, 2),
            equals: Naive([2]) { i in variance(Array(a.values[i[0] * 12..<i[0] * 12 + 12]), 1) })
        #expect(Tensor([] as [Double]).sum().item == 0)
        #expect(Tensor([] as [Double]).mean().item.isNaN)
    }

    @Test("a zero vector stays zero when normalised")
    func zeroVector() {
        #expect(Tensor.zeros([2, 3]).normalized().values() == [Float](repeating: 0, count: 6))
    }

    private func sum(_ v: [Double]) -> Double { v.reduce(0, +) }
    private func mean(_ v: [Double]) -> Double { sum(v) / Double(v.count) }
    private func length(_ v: [Double]) -> Double { sum(v.map { $0 * $0 }).squareRoot() }
    private func variance(_ v: [Double], _ correction: Double) -> Double {
        sum(v.map { ($0 - mean(v)) * ($0 - mean(v)) }) / (Double(v.count) - correction)
    }
}
