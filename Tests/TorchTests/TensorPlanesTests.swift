import Testing
import Torch

@Suite("Operators on planes") struct TensorPlanesTests {
    /// The pixels of the square of `size` that (y, x) of the result stands for.
    private func square(_ a: Naive, _ index: [Int], _ size: Int) -> [Double] {
        (0..<size * size).map { cell in
            a[[
                index[0], index[1], index[2] * size + cell / size, index[3] * size + cell % size,
            ]]
        }
    }

    @Test("means and maxima of squares; rows and columns left over are dropped", arguments: [2, 3])
    func pooling(size: Int) {
        let a = Naive(random: [2, 3, 7, 6])
        let shape = [2, 3, 7 / size, 6 / size]
        expect(
            a.tensor.averagePooled(size),
            equals: Naive(shape) { index in
                square(a, index, size).reduce(0, +) / Double(size * size)
            })
        expect(
            a.tensor.maxPooled(size),
            equals: Naive(shape) { index in square(a, index, size).max() ?? 0 })
    }

    @Test("zeros behind the last elements, from the last dimension on")
    func padding() {
        let a = Naive(random: [2, 3, 4])
        expect(
            a.tensor.paddedBehind(1, 2),
            equals: Naive([2, 5, 5]) { $0[1] < 3 && $0[2] < 4 ? a[$0] : 0 })
    }

    @Test("pixels repeated")
    func enlarging() {
        let a = Naive(random: [2, 3, 2, 3])
        expect(
            a.tensor.enlarged(3),
            equals: Naive([2, 3, 6, 9]) { a[[$0[0], $0[1], $0[2] / 3, $0[3] / 3]] })
    }
}
