import Testing
import Torch

@Suite("Random generators") struct GeneratorTests {
    @Test("one seed gives one sequence, another seed another")
    func seeds() {
        func draw(_ seed: UInt64) -> [Float] {
            Tensor.uniform([20], generator: Generator(seed: seed)).values()
        }
        #expect(draw(1) == draw(1) && draw(1) != draw(2))
        #expect(draw(.max).allSatisfy { $0 >= 0 && $0 < 1 })
        let generator = Generator(seed: 9)
        let first = Tensor.normal([3], generator: generator).values(as: Float.self)
        generator.seed(9)
        #expect(Tensor.normal([3], generator: generator).values() == first)
    }

    @Test("a saved state continues the same sequence, in another generator too")
    func state() {
        // An odd number of normal draws leaves half of a pair in the state.
        let generator = Generator(seed: 5)
        _ = Tensor.normal([7], generator: generator)
        let state = generator.state.clone()
        func draw(_ generator: Generator) -> [[Float]] {
            [
                Tensor.normal([5], generator: generator).values(),
                Tensor.uniform([40], generator: generator).values(),
                Tensor.permutation(10, generator: generator).to(dtype: .float32).values(),
            ]
        }
        let expected = draw(generator)
        generator.state = state
        #expect(draw(generator) == expected)
        let other = Generator(seed: 0)
        other.state = state
        #expect(draw(other) == expected)
        #expect(state.dtype == .uint8)
    }

    @Test("copies of the default generator's handle are the same generator")
    func defaultGenerator() {
        func draw(_ generator: Generator) -> [Float] {
            Tensor.uniform([8], generator: generator).values()
        }
        let (one, other) = (Generator.default(), Generator.default())
        // Other tests may draw from it in between: one time without that is enough.
        let isShared = (0..<100).contains { _ in
            let expected = Generator(state: one.state.clone())
            let drawn = [draw(other), draw(one), draw(other)]
            return drawn == [draw(expected), draw(expected), draw(expected)]
                && one.state.isEqual(to: expected.state)
                && other.state.isEqual(to: expected.state)
        }
        #expect(isShared)
    }

    @Test("the distributions have their moments")
    func moments() {
        let generator = Generator(seed: 11)
        let count = 40000
        // Five standard errors, with a fixed seed.
        let bound = 5 / Double(count).squareRoot()
        let normal = Tensor.normal([count], generator: generator, dtype: .float64)
        #expect(abs(normal.mean().item) < bound && abs(normal.variance(0).item - 1) < 2 * bound)
        let uniform = Tensor.uniform([count], generator: generator, dtype: .float64)
        #expect(abs(uniform.mean().item - 0.5) < bound)
        #expect(uniform.min().item >= 0 && uniform.max().item < 1)
        uniform.fillUniformInPlace(-3, -1, generator: generator)
        #expect(abs(uniform.mean().item + 2) < 2 * bound && uniform.max().item < -1)
        uniform.fillNormalInPlace(mean: 4, std: 0.5, generator: generator)
        #expect(abs(uniform.mean().item - 4) < bound)
        #expect(abs(uniform.variance(0).item - 0.25) < bound)
    }

    @Test("a permutation holds each number once")
    func permutation() {
        let order = Tensor.permutation(50, generator: Generator(seed: 1)).values(as: Int.self)
        #expect(order.sorted() == Array(0..<50) && order != Array(0..<50))
    }
}
