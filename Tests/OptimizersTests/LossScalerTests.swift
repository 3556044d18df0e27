import Optimizers
import Testing
import Torch

@Suite("Loss scaling") struct LossScalerTests {
    /// One step whose loss has the derivative `slope`; returns the unscaled gradient.
    @discardableResult
    private func step(_ scaler: LossScaler, slope: Double) -> (gradient: Double, found: Double) {
        let x = Tensor([1] as [Float]).requiringGrad()
        scaler.scaled((x * slope).sum()).backward()
        let gradient = x.gradient ?? Tensor.zeros([1])
        let found = scaler.unscaleInPlace([gradient])
        scaler.update(found)
        return (gradient.item, found.item)
    }

    @Test("unscaling gives the gradient back")
    func unscale() {
        let result = step(LossScaler(on: .cpu), slope: 0.375)
        #expect(result == (0.375, 0))
    }

    @Test("a non-finite step halves the factor, an interval of good ones doubles it")
    func adapt() {
        let scaler = LossScaler(on: .cpu, interval: 3)
        #expect(scaler.scale.item == 65536)
        #expect(step(scaler, slope: .infinity).found == 1)
        #expect(scaler.scale.item == 32768)
        for _ in 0..<2 { step(scaler, slope: 1) }
        #expect(scaler.scale.item == 32768)
        step(scaler, slope: 1)
        #expect(scaler.scale.item == 65536)
    }

    @Test("the state continues")
    func resume() throws {
        let first = LossScaler(on: .cpu, initialScale: 8, interval: 3)
        for _ in 0..<2 { step(first, slope: 1) }
        let second = LossScaler(on: .cpu, interval: 3)
        try second.load(
            Dictionary(
                uniqueKeysWithValues: first.stateTensors().map { ($0.name, $0.tensor.clone()) }))
        step(second, slope: 1)
        #expect(second.scale.item == 16)
        #expect(throws: OptimizerStateError.self) { try second.load([:]) }
    }
}
