import Evaluation
import TestSupport
import Testing
import Torch

@Suite("The spectrum of features") struct FeatureSpectrumTests {
    @Test("independent features have full rank, copies of one the rank 1")
    func rank() {
        let random = Generator(seed: 3)
        let free = Tensor.normal([4000, 16], generator: random)
        let full = FeatureSpectrum(of: free)
        #expect(full.rank > 15.5 && full.rank <= 16.01 && full.width == 16)
        #expect(abs(full.spread - 1) < 0.02 && abs(full.cosine) < 0.02)

        let column = Tensor.normal([500, 1], generator: random)
        let single = FeatureSpectrum(of: column.expanded([500, 16]))
        #expect(abs(single.rank - 1) < 0.01)
        let three = concatenated([free[..<500, ..<3], .zeros([500, 13])], 1)
        #expect(abs(FeatureSpectrum(of: three).rank - 3) < 0.1)
    }

    @Test("a part that all pictures have in common changes the cosine, not the rank")
    func offset() {
        let free = Tensor.normal([500, 8], generator: Generator(seed: 4))
        let moved = FeatureSpectrum(of: free + 100)
        #expect(abs(moved.rank - FeatureSpectrum(of: free).rank) < 1e-3)
        #expect(moved.cosine > 0.99 && moved.spread < 0.02)
    }

    @Test("features that are all alike have no spread")
    func constant() {
        let spectrum = FeatureSpectrum(of: Tensor.ones([10, 4]))
        #expect(spectrum.spread == 0 && spectrum.cosine > 0.999)
        let one = FeatureSpectrum(of: Tensor.ones([1, 4]))
        #expect(one.rank == 0 && one.spread == 0)
    }
}
