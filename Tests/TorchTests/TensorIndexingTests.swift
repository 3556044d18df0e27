import Testing
import Torch

@Suite("Indexing") struct TensorIndexingTests {
    private let a = Naive(random: [4, 3, 5])

    @Test("every form of index")
    func forms() {
        let x = a.tensor
        expect(x[2], equals: Naive([3, 5]) { a[[2] + $0] })
        expect(x[-1], equals: Naive([3, 5]) { a[[3] + $0] })
        expect(x[1, 2, 3], equals: Naive([]) { _ in a[[1, 2, 3]] })
        expect(x[1..<3], equals: Naive([2, 3, 5]) { a[[$0[0] + 1, $0[1], $0[2]]] })
        expect(x[1...2], equals: Naive([2, 3, 5]) { a[[$0[0] + 1, $0[1], $0[2]]] })
        expect(x[-2 ... -1], equals: Naive([2, 3, 5]) { a[[$0[0] + 2, $0[1], $0[2]]] })
        expect(x[(-2)...], equals: Naive([2, 3, 5]) { a[[$0[0] + 2, $0[1], $0[2]]] })
        expect(x[..<(-1)], equals: Naive([3, 3, 5]) { a[$0] })
        expect(x[0..., 1...], equals: Naive([4, 2, 5]) { a[[$0[0], $0[1] + 1, $0[2]]] })
        expect(x[0..., 0, 2..<4], equals: Naive([4, 2]) { a[[$0[0], 0, $0[1] + 2]] })
        expect(x[1..<1], equals: Naive([0, 3, 5]) { _ in 0 })
    }

    @Test("an index is a view: writing it writes the tensor")
    func views() {
        let x = a.tensor
        x[0..., 1].fillInPlace(7)
        expect(x, equals: Naive([4, 3, 5]) { $0[1] == 1 ? 7 : a[$0] })
    }

    @Test("index tensors", arguments: [0, 1, 2])
    func selecting(dim: Int) {
        let picked = [1, 0, 1]
        let indices = Tensor(picked)
        var shape = a.shape
        shape[dim] = 3
        expect(
            a.tensor.selecting(indices, dim),
            equals: Naive(shape) { index in
                var source = index
                source[dim] = picked[index[dim]]
                return a[source]
            })
    }

    @Test("gather and scatter are transposed to each other")
    func gather() {
        let x = Naive(random: [3, 5])
        let rows = [[4, 4, 0], [1, 2, 3], [0, 0, 0]]
        let indices = Tensor(rows.flatMap { $0 }, shape: [3, 3])
        let picked = Naive([3, 3]) { x[[$0[0], rows[$0[0]][$0[1]]]] }
        expect(x.tensor.gathered(indices, 1), equals: picked)
        var sums = x
        for (row, columns) in rows.enumerated() {
            for (place, column) in columns.enumerated() {
                sums.values[row * 5 + column] += picked[[row, place]]
            }
        }
        expect(x.tensor.scatterAdding(picked.tensor, at: indices, 1), equals: sums)
        let inPlace = x.tensor
        inPlace.scatterAddInPlace(picked.tensor, at: indices, 1)
        expect(inPlace, equals: sums)
    }

    @Test("means and maxima of what comes to a place, with what is there")
    func scatterReductions() {
        let (x, source) = (Naive(random: [2, 3]), Naive(random: [2, 4], seed: 1))
        let places = [[2, 0, 2, 2], [1, 1, 0, 0]]
        let indices = Tensor(places.flatMap { $0 }, shape: [2, 4])
        func all(_ i: [Int]) -> [Double] {
            [x[i]] + (0..<4).filter { places[i[0]][$0] == i[1] }.map { source[[i[0], $0]] }
        }
        expect(
            x.tensor.scatterAveraging(source.tensor, at: indices, 1),
            equals: Naive([2, 3]) { i in all(i).reduce(0, +) / Double(all(i).count) })
        expect(
            x.tensor.scatterMaximum(source.tensor, at: indices, 1),
            equals: Naive([2, 3]) { i in all(i).max() ?? 0 })
    }

    @Test("the places of what is not 0")
    func nonzero() {
        #expect(Tensor([0, 3, 0, -1]).placesOfNonzero().values() == [1, 3])
        #expect((Tensor([1.0, 2.0]) .> 5).placesOfNonzero().shape == [0])
    }

    @Test("tokens are chosen for each sample by itself")
    func tokens() {
        let kept = [[2, 0], [1, 1], [0, 1], [2, 2]]
        let indices = Tensor(kept.flatMap { $0 }, shape: [4, 2])
        expect(
            a.tensor.selectingTokens(indices),
            equals: Naive([4, 2, 5]) { a[[$0[0], kept[$0[0]][$0[1]], $0[2]]] })
    }

    @Test("one-hot rows")
    func oneHot() {
        let hot = Tensor([2, 0]).oneHot(classCount: 3)
        #expect(hot.values() == [0, 0, 1, 1, 0, 0] && hot.shape == [2, 3])
    }
}
