import Testing
import Torch

@Suite("Shapes") struct TensorShapeTests {
    private let a = Naive(random: [2, 3, 4])

    @Test("the same elements in another shape")
    func reshape() {
        let x = a.tensor
        expect(x.reshaped(6, 4), equals: Naive([6, 4], values: a.values))
        expect(x.reshaped([-1, 2]), equals: Naive([12, 2], values: a.values))
        expect(x.flattened(), equals: Naive([24], values: a.values))
        expect(x.flattened(1), equals: Naive([2, 12], values: a.values))
        expect(x.flattened(0, 1), equals: Naive([6, 4], values: a.values))
        expect(x.unsqueezed(1), equals: Naive([2, 1, 3, 4], values: a.values))
        expect(x.unsqueezed(1).squeezed(1), equals: a)
        #expect(x.squeezed(1).shape == [2, 3, 4])
    }

    @Test("the dimensions in another order are views")
    func permute() {
        let x = a.tensor
        expect(x.permuted(2, 0, 1), equals: Naive([4, 2, 3]) { a[[$0[1], $0[2], $0[0]]] })
        expect(x.transposed(), equals: Naive([2, 4, 3]) { a[[$0[0], $0[2], $0[1]]] })
        expect(x.transposed(0, 2), equals: Naive([4, 3, 2]) { a[[$0[2], $0[1], $0[0]]] })
        let turned = x.permuted(2, 0, 1)
        #expect(turned.strides == [1, 12, 4] && x.strides == [12, 4, 1])
        #expect(!turned.isContiguous && turned.contiguous().strides == [6, 3, 1])
        expect(turned.contiguous(), equals: Naive([4, 2, 3]) { a[[$0[1], $0[2], $0[0]]] })
        turned.zeroInPlace()
        #expect(x.abs().sum().item == 0)
    }

    @Test("expanding repeats without a copy, tiling with one")
    func expand() {
        let row = Naive(random: [1, 3])
        expect(row.tensor.expanded([4, -1]), equals: Naive([4, 3]) { row[$0] })
        #expect(row.tensor.expanded([4, 3]).strides == [0, 1])
        expect(row.tensor.tiled(2, 2), equals: Naive([2, 6]) { row[[0, $0[1] % 3]] })
    }

    @Test("splitting and joining are inverse", arguments: [0, 1, 2, -1])
    func splitAndJoin(dim: Int) {
        let x = a.tensor
        let axis = dim < 0 ? dim + 3 : dim
        let sizes = [1, 0, a.shape[axis] - 1]
        let pieces = x.split(sizes: sizes, dim)
        #expect(pieces.map { $0.shape[axis] } == sizes)
        expect(concatenated(pieces, dim), equals: a)
        expect(concatenated(x.chunks(2, dim), dim), equals: a)
        #expect(x.unbound(dim).count == a.shape[axis])
        expect(stacked(x.unbound(dim), axis), equals: a)
        expect(
            x.unbound(dim)[1],
            equals: Naive(x.unbound(dim)[1].shape) { index in
                var full = index
                full.insert(1, at: axis)
                return a[full]
            })
    }

    @Test("empty pieces and single tensors")
    func edges() {
        #expect(Tensor.zeros([0, 3]).unbound(0).isEmpty)
        #expect(Tensor.zeros([0, 3]).split(sizes: [0], 0).map(\.shape) == [[0, 3]])
        #expect(concatenated([Tensor.zeros([0, 3]), Tensor.ones([2, 3])], 0).shape == [2, 3])
        #expect(stacked([Tensor.ones([2])]).shape == [1, 2])
        #expect(Tensor([1, 2, 3, 4, 5]).chunks(4, 0).map(\.count) == [2, 2, 1])
    }

    @Test("flipping and rolling")
    func flip() {
        expect(a.tensor.flipped(2), equals: Naive([2, 3, 4]) { a[[$0[0], $0[1], 3 - $0[2]]] })
        expect(
            a.tensor.flipped(0, 1), equals: Naive([2, 3, 4]) { a[[1 - $0[0], 2 - $0[1], $0[2]]] })
        expect(
            a.tensor.rolled([1, -1], [1, 2]),
            equals: Naive([2, 3, 4]) { a[[$0[0], ($0[1] + 2) % 3, ($0[2] + 1) % 4]] })
    }
}
