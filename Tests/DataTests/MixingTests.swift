import Imaging
import Testing
import Torch

@testable import Data

@Suite("Mixing") struct MixingTests {
    @Test(arguments: Mixing.Mode.allCases)
    func plansAreFunctionsOfTheStream(mode: Mixing.Mode) {
        let mixing = Mixing(mixupAlpha: 0.8, cutmixAlpha: 1, mode: mode)
        func plan(_ step: Int) -> MixPlan {
            var random = CounterRandom(seed: 4, purpose: .mixing, sample: step)
            return mixing.plan(count: 6, size: 16, random: &random)
        }
        #expect(plan(0) == plan(0) && plan(0) != plan(1))
        let rows = plan(0).rows
        switch mode {
        case .batch: #expect(rows.allSatisfy { $0 == rows[0] })
        case .pair: #expect((0..<3).allSatisfy { rows[$0] == rows[5 - $0] } && rows[0] != rows[1])
        case .element: #expect(rows[0] != rows[5])
        }
    }

    @Test func rectanglesAreCutToThePicture() {
        let mixing = Mixing(mixupAlpha: 0, cutmixAlpha: 1, mode: .element)
        var random = CounterRandom(seed: 4, purpose: .mixing)
        let size = PixelSize(height: 12, width: 20)
        for row in mixing.plan(count: 500, size: size, random: &random).rows {
            guard case .paste(let box) = row else {
                Issue.record("\(row)")
                continue
            }
            #expect(box.top >= 0 && box.left >= 0 && box.height >= 0 && box.width >= 0)
            #expect(box.top + box.height <= 12 && box.left + box.width <= 20)
            #expect((0...1).contains(row.lambda(in: size)))
        }
    }

    @Test func sidesOfRectanglesCanBeDrawnThemselves() throws {
        var mixing = Mixing(mixupAlpha: 0, cutmixAlpha: 0)
        #expect(throws: DataError.self) { try mixing.validate() }
        mixing.cutmixMinMax = [0.3, 0.8]
        try mixing.validate()
        var random = CounterRandom(seed: 4, purpose: .mixing)
        for _ in 0..<100 {
            guard case .paste(let box) = mixing.draw(20, &random) else {
                Issue.record("no rectangle")
                return
            }
            #expect((6..<16).contains(box.height) && (6..<16).contains(box.width))
            #expect(box.fits(PixelSize(20)))
        }
    }

    @Test func withoutAMixtureABatchStaysAsItIs() {
        let images = Tensor((0..<48).map { Float($0) }, shape: [2, 3, 2, 4])
        let plan = MixPlan([.none], mode: .batch, count: 2)
        #expect(plan.images(images).isEqual(to: images))
        let targets = plan.targets(
            Tensor([1, 0]), classCount: 2, smoothing: 0, imageSize: PixelSize(height: 2, width: 4))
        #expect(targets.values(as: Float.self) == [0, 1, 1, 0])
    }

    @Test func aBatchIsMixedTheSameWayAgain() {
        let images = Tensor((0..<192).map { Float($0) }, shape: [4, 3, 4, 4])
        let batch = ImageBatch(images: images, seed: 9)
        var mixing = Mixing()
        mixing.mode = .pair
        let (first, second) = (
            mixed(batch, mixing), mixed(batch, mixing)
        )
        #expect(first.images.isEqual(to: second.images))
        #expect(first.targets.isEqual(to: second.targets))
        #expect(!first.images.isEqual(to: images))
        let sums = first.targets.sum(1).values(as: Float.self)
        #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
    }

    private func mixed(_ batch: ImageBatch, _ mixing: Mixing) -> (images: Tensor, targets: Tensor) {
        let labels = Tensor([0, 1, 2, 1])
        var random = CounterRandom(seed: batch.seed, purpose: .mixing, sample: batch.keys[0])
        let plan = mixing.plan(count: batch.count, size: 4, random: &random)
        return (
            plan.images(batch.images),
            plan.targets(labels, classCount: 3, smoothing: 0.1, imageSize: 4)
        )
    }

    @Test(arguments: [(0.8, 0.8), (1, 1), (0.2, 3), (5, 2), (0.05, 0.05)])
    func betaHasItsMoments(a: Double, b: Double) {
        var random = CounterRandom(seed: 8, purpose: .mixing)
        let values = (0..<20_000).map { _ in random.beta(a, b) }
        let mean = values.reduce(0, +) / 20_000
        let expected = a / (a + b)
        let variance = a * b / ((a + b) * (a + b) * (a + b + 1))
        #expect(abs(mean - expected) < 4 * (variance / 20_000).squareRoot())
        let found = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(found - variance) < 0.05 * variance)
        #expect(values.allSatisfy { (0...1).contains($0) })
    }

    @Test func wrongSettingsAreNamed() {
        var mixing = Mixing()
        mixing.smoothing = 2
        let error = #expect(throws: DataError.self) { try mixing.validate() }
        #expect(error?.description.contains("mixing.smoothing") == true)
        mixing = Mixing()
        mixing.cutmixMinMax = [0.9, 0.1]
        #expect(throws: DataError.self) { try mixing.validate() }
    }
}
