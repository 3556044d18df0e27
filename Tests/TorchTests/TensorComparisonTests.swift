import Testing
import Torch

@Suite("Comparison, sorting and choice") struct TensorComparisonTests {
    @Test("element-wise comparisons give truth values", arguments: [[4], [2, 3], [0, 2], []])
    func elementwise(shape: [Int]) {
        let a = Naive(random: shape, seed: 1).map { ($0 * 2).rounded() }
        let b = Naive(random: shape, seed: 2).map { ($0 * 2).rounded() }
        let (x, y) = (a.tensor, b.tensor)
        func truth(_ condition: Bool) -> Double { condition ? 1 : 0 }
        #expect((x .== y).dtype == .bool)
        expect(x .== y, equals: a.with(b) { truth($0 == $1) })
        expect(x .< y, equals: a.with(b) { truth($0 < $1) })
        expect(x .== 1, equals: a.map { truth($0 == 1) })
        expect(x .> 1, equals: a.map { truth($0 > 1) })
        expect(x .>= 1, equals: a.map { truth($0 >= 1) })
        expect(x .< 1, equals: a.map { truth($0 < 1) })
        expect(.!(x .< 1), equals: a.map { truth($0 >= 1) })
        expect((x .< 1) .& (y .> 0), equals: a.with(b) { truth($0 < 1 && $1 > 0) })
        expect((x .< y).select(x, else: y), equals: a.with(b, Swift.min))
    }

    @Test("finite, all, any, equal")
    func predicates() {
        let odd = Tensor([1, .nan, .infinity, -.infinity, 0] as [Double])
        #expect(odd.isFinite().values() == [true, false, false, false, true])
        #expect(!odd.isFinite().allTrue && odd.isFinite().anyTrue)
        let none = Tensor([] as [Double]).isFinite()
        #expect(none.allTrue && !none.anyTrue)
        let x = Tensor([1.0, 2.0])
        #expect(x.isEqual(to: x.clone()) && !x.isEqual(to: x + 1))
        #expect(!x.isEqual(to: Tensor([1.0, 2.0, 3.0])))
        #expect(x.isIdentical(to: x) && !x.isIdentical(to: x.clone()))
    }

    @Test("sorting and the extremes along each dimension", arguments: [0, 1, -1])
    func order(dim: Int) {
        let a = Naive(random: [3, 4], seed: 3)
        let x = a.tensor
        let axis = dim < 0 ? dim + 2 : dim
        func ranks(_ v: [Double], descending: Bool) -> [Int] {
            v.indices.sorted { descending ? v[$0] > v[$1] : v[$0] < v[$1] }
        }
        for descending in [false, true] {
            expect(
                x.argsort(dim, descending: descending),
                equals: a.along(axis) { ranks($0, descending: descending).map(Double.init) })
            expect(
                x.stableArgsort(dim, descending: descending),
                equals: a.along(axis) { ranks($0, descending: descending).map(Double.init) })
            let top = x.topK(2, dim, largest: descending)
            let best = a.along(axis) { v in ranks(v, descending: descending).map { v[$0] } }
            expect(
                axis == 0 ? top.values : top.values.transposed(0, 1), equals: firstTwo(best, axis))
            expect(x.gathered(top.indices, dim), equals: Naive(top.values.shape) { best[$0] })
        }
        expect(
            x.argmax(dim), equals: a.reduced(axis) { Double(ranks($0, descending: true)[0]) })
        #expect(x.argmax(dim, keepDim: true).rank == 2)
        let (max, min) = (x.max(dim), x.min(dim, keepDim: true))
        #expect(x.maximum(over: dim).isEqual(to: max.values))
        expect(max.values, equals: a.reduced(axis) { $0.max() ?? 0 })
        expect(max.indices, equals: a.reduced(axis) { Double(ranks($0, descending: true)[0]) })
        expect(min.values.squeezed(dim), equals: a.reduced(axis) { $0.min() ?? 0 })
        expect(
            min.indices.squeezed(dim),
            equals: a.reduced(axis) { Double(ranks($0, descending: false)[0]) })
    }

    /// The first two places of the sorted dimension, that dimension in front.
    private func firstTwo(_ sorted: Naive, _ axis: Int) -> Naive {
        Naive([2, sorted.shape[1 - axis]]) { sorted[axis == 0 ? $0 : [$0[1], $0[0]]] }
    }

    @Test("equal elements stay in their order")
    func stability() {
        let x = Tensor([1.0, 3.0, 1.0, 3.0, 2.0, 3.0])
        #expect(x.stableArgsort(descending: true).values() == [1, 3, 5, 4, 0, 2])
        #expect(x.stableArgsort().values() == [0, 2, 4, 1, 3, 5])
    }
}
