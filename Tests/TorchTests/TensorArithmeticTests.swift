import Foundation
import Testing
import Torch

/// Pairs of shapes that broadcast: equal, with ones, scalars, empty.
private let pairs: [([Int], [Int])] = [
    ([2, 3], [2, 3]), ([2, 1, 3], [4, 1]), ([], [3]), ([5], []), ([0, 3], [1, 3]), ([1], [2, 0]),
    ([1, 1], [1]),
]
private let shapes: [[Int]] = [[], [1], [7], [3, 4], [2, 0, 3], [2, 1, 5]]

@Suite("Arithmetic") struct TensorArithmeticTests {
    @Test(
        "operators on two tensors broadcast and keep the order of their operands", arguments: pairs)
    func binary(left: [Int], right: [Int]) {
        let (a, b) = (Naive(random: left, seed: 1), Naive(random: right, seed: 2))
        let (x, y) = (a.tensor, b.tensor)
        expect(x + y, equals: a.with(b, +))
        expect(x - y, equals: a.with(b, -))
        expect(x * y, equals: a.with(b, *))
        expect(x / y, equals: a.with(b, /))
        expect(x.maximum(y), equals: a.with(b, Swift.max))
        expect(x.minimum(y), equals: a.with(b, Swift.min))
    }

    @Test("operators with a number keep the tensor's type", arguments: shapes)
    func scalars(shape: [Int]) {
        let a = Naive(random: shape)
        let x = a.tensor
        expect(x + 1.5, equals: a.map { $0 + 1.5 })
        expect(x - 1.5, equals: a.map { $0 - 1.5 })
        expect(x * 1.5, equals: a.map { $0 * 1.5 })
        expect(x / 1.5, equals: a.map { $0 / 1.5 })
        expect(1.5 + x, equals: a.map { 1.5 + $0 })
        expect(1.5 - x, equals: a.map { 1.5 - $0 })
        expect(1.5 * x, equals: a.map { 1.5 * $0 })
        expect(1.5 / x, equals: a.map { 1.5 / $0 })
        expect(-x, equals: a.map { -$0 })
        for dtype in [DType.float32, .bfloat16, .float16] {
            let low = x.to(dtype: dtype)
            for y in [low + 1.5, 1.5 - low, 1.5 / low, low * 1.5] { #expect(y.dtype == dtype) }
        }
    }

    @Test("functions of one tensor", arguments: shapes)
    func unary(shape: [Int]) {
        let a = Naive(random: shape)
        let x = a.tensor
        let positive = a.map { Swift.abs($0) + 0.1 }
        expect(positive.tensor.sqrt(), equals: positive.map { $0.squareRoot() })
        expect(positive.tensor.log(), equals: positive.map { Foundation.log($0) })
        expect(x.exp(), equals: a.map { Foundation.exp($0) })
        expect(x.sin(), equals: a.map { Foundation.sin($0) })
        expect(x.cos(), equals: a.map { Foundation.cos($0) })
        expect(x.tanh(), equals: a.map { Foundation.tanh($0) })
        expect(x.abs(), equals: a.map { Swift.abs($0) })
        expect(x.floor(), equals: a.map { $0.rounded(.down) })
        expect(x.squared(), equals: a.map { $0 * $0 })
        expect(x.sign(), equals: a.map { $0 > 0 ? 1 : -1 })
        expect(x.pow(3), equals: a.map { $0 * $0 * $0 })
        expect(x.clamped(min: -0.5, max: 1), equals: a.map { Swift.min(1, Swift.max(-0.5, $0)) })
        expect(x.clamped(min: 0.5), equals: a.map { Swift.max(0.5, $0) })
        expect(x.clamped(max: -0.5), equals: a.map { Swift.min(-0.5, $0) })
    }

    @Test(
        "the matrix product broadcasts over leading dimensions",
        arguments: [
            ([2, 3], [3, 4]), ([5, 2, 3], [3, 4]), ([2, 1, 2, 3], [3, 3, 1]), ([0, 3], [3, 2]),
            ([2, 0], [0, 3]),
        ])
    func matmul(left: [Int], right: [Int]) {
        let (a, b) = (Naive(random: left, seed: 3), Naive(random: right, seed: 4))
        let inner = left[left.count - 1]
        let heads = Naive(Array(left.dropLast(2))) { _ in 0 }
            .with(Naive(Array(right.dropLast(2))) { _ in 0 }, +).shape
        let product = Naive(heads + [left[left.count - 2], right[right.count - 1]]) { index in
            let (head, row, column) = (
                Array(index.dropLast(2)), index[index.count - 2], index[index.count - 1]
            )
            return (0..<inner).reduce(0) { sum, i in
                sum + a[head + [row, i]] * b[head + [i, column]]
            }
        }
        expect(a.tensor.matmul(b.tensor), equals: product)
    }

    @Test("operators in place change the tensor, also through a view")
    func inPlace() {
        let (a, b) = (Naive(random: [3, 4], seed: 5), Naive(random: [3, 4], seed: 6))
        let x = a.tensor
        let view = x.transposed(0, 1)
        x.addInPlace(b.tensor, scale: 0.5)
        var expected = a.with(b) { $0 + 0.5 * $1 }
        expect(x, equals: expected)
        x.multiplyInPlace(by: 3)
        expected = expected.map { $0 * 3 }
        x.multiplyInPlace(by: b.tensor)
        expected = expected.with(b, *)
        x.interpolateInPlace(towards: b.tensor, weight: 0.25)
        expected = expected.with(b) { $0 + ($1 - $0) * 0.25 }
        expect(x, equals: expected)
        expect(view, equals: Naive([4, 3]) { expected[[$0[1], $0[0]]] })
    }

    @Test("a product of matrices is added to a share of the elements")
    func addProduct() {
        let (a, b) = (
            Tensor.normal([3, 4], generator: Generator(seed: 1)),
            Tensor.normal([4, 5], generator: Generator(seed: 2))
        )
        let x = Tensor.normal([3, 5], generator: Generator(seed: 3))
        let expected = x * 0.5 + a.matmul(b)
        x.addProductInPlace(a, b, keeping: 0.5)
        #expect((x - expected).abs().max().item < 1e-6)
        let plain = Tensor.zeros([5, 3])
        plain.addProductInPlace(b.transposed(), a.transposed())
        #expect((plain - a.matmul(b).transposed()).abs().max().item < 1e-6)
    }
}
