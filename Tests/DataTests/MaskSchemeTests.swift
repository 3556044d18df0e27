import Configuration
import Testing
import Torch

@testable import Data

/// Masks under one roof: those of a step of training, and what is counted of them.
@Suite("Masks of a step, counted") struct MaskSchemeTests {
    private let grid = MaskGrid(rows: 8, columns: 12, patchSize: 8)
    private let batch = ImageBatch(images: .zeros([16, 3, 64, 96]), seed: 5)

    private static let schemes: [any MaskScheme] = {
        var beit = BEiTMask()
        beit.count = 40
        var blocks = MultiBlockMask()
        (blocks.minKeep, blocks.contexts) = (4, 2)
        var order = PermutationMask()
        (order.contextTokens, order.upperLimit) = (20, 60)
        var units = SimMIMMask()
        units.unit = 16
        return [
            NoiseMask(), units, beit, IBOTMask(), blocks, RandomSplitMask(), order, WindowMask(),
        ]
    }()

    /// Masks of some steps of 16 pictures.
    private func masks(_ scheme: any MaskScheme, steps: Int) throws -> [PictureMask] {
        try scheme.validate(on: grid)
        return (0..<steps).flatMap { step in
            scheme.masks(
                of: MaskStep(
                    keys: Array(step * 16..<step * 16 + 16),
                    position: LoaderPosition(epoch: 1, step: step), seed: 5),
                on: grid)
        }
    }

    @Test("a preview has the masks that training draws")
    func sameAsTraining() throws {
        let step = batch.maskStep()
        let noise = RandomMask(batch, patches: grid.count, ratio: 0.75)
        let kept = NoiseMask().masks(of: step, on: grid).map { $0.contexts[0] }
        #expect(kept.flatMap { $0 } == noise.kept.values(as: Int.self))

        var beit = BEiTMask()
        beit.count = 40
        #expect(
            beit.masks(of: step, on: grid).map(\.targets)
                == batch.masks(beit, on: grid).map { [$0.hiddenIndices] })

        var blocks = MultiBlockMask()
        blocks.minKeep = 4
        let drawn = batch.multiBlock(blocks, on: grid)
        let shown = blocks.masks(of: step, on: grid)
        #expect(shown.map { $0.contexts[0] } == drawn.contexts[0].rows)
        for target in 0..<4 {
            #expect(shown.map { $0.targets[target] } == drawn.targets[target].rows)
        }
        let split = batch.randomSplit(RandomSplitMask(), on: grid)
        let splits = RandomSplitMask().masks(of: step, on: grid)
        #expect(splits.map { $0.contexts[0] } == split.contexts[0].rows)

        var order = PermutationMask()
        order.contextTokens = 20
        let orders = batch.orders(order, on: grid)
        let ranks = try order.masks(of: step, on: grid).map { try #require($0.ranks) }
        #expect(ranks.flatMap { [0] + $0 } == orders.ranks.values(as: Int.self))
    }

    @Test("patches are numbered within the grid, in no list twice", arguments: Self.schemes.indices)
    func lists(index: Int) throws {
        for mask in try masks(Self.schemes[index], steps: 8) {
            for list in mask.contexts + mask.targets {
                #expect(Set(list).count == list.count)
                #expect(list.allSatisfy((0..<grid.count).contains))
            }
            #expect(mask.hiddenCount == grid.count - Set(mask.contexts.joined()).count)
        }
    }

    @Test("what is counted of patches and of masks is the same", arguments: Self.schemes.indices)
    func sums(index: Int) throws {
        let masks = try masks(Self.schemes[index], steps: 8)
        var statistics = MaskStatistics(grid)
        for mask in masks { statistics.add(mask) }
        #expect(statistics.count == 128 && statistics.hidden.total == 128)
        let hidden = masks.reduce(0) { $0 + $1.hiddenCount }
        #expect(statistics.seen.reduce(0, +) == 128 * grid.count - hidden)
        #expect(
            statistics.predicted.reduce(0, +)
                == masks.reduce(0) { $0 + Set($1.targets.joined()).count })
        let seen = statistics.seenShares.reduce(0, +) / Double(grid.count)
        #expect(abs(seen + statistics.hiddenShare - 1) < 1e-12)
        #expect(
            abs(statistics.hiddenShare - masks.map(\.hiddenShare).reduce(0, +) / 128) < 1e-12)
        #expect(statistics.hidden.least == masks.map(\.hiddenCount).min())
        #expect(statistics.hidden.greatest == masks.map(\.hiddenCount).max())
        #expect(statistics.targetLengths.total == masks.reduce(0) { $0 + $1.targets.count })
    }

    @Test("ring, rows and lengths of masks made by hand")
    func places() {
        let grid = MaskGrid(rows: 3, columns: 4)
        var statistics = MaskStatistics(grid)
        // Only the two inner patches are hidden, twice; then nothing, once.
        for _ in 0..<2 { statistics.add(PictureMask(PatchMask(grid, hiding: [5, 6]))) }
        statistics.add(PictureMask(PatchMask(grid)))
        #expect(statistics.seen == [3, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3, 3])
        #expect(statistics.hidden.times == [2: 2, 0: 1] && statistics.targetLengths.least == 0)
        let border = statistics.border(statistics.seenShares)
        #expect(border?.ring == 1 && abs((border?.inside ?? 0) - 1.0 / 3) < 1e-12)
        let rows = statistics.rows(statistics.seenShares)
        #expect(rows[0] == 1 && rows[2] == 1 && abs(rows[1] - 2.0 / 3) < 1e-12)
        let thin = MaskStatistics(MaskGrid(rows: 2, columns: 9))
        #expect(thin.border(thin.seenShares) == nil && thin.hiddenShare == 0)
    }

    @Test("patches beyond the limit of an order are neither seen nor predicted")
    func upperLimit() throws {
        var order = PermutationMask()
        (order.contextTokens, order.upperLimit) = (20, 60)
        for mask in order.masks(of: batch.maskStep(), on: grid) {
            let ranks = try #require(mask.ranks)
            #expect(mask.contexts[0].count == 19 && mask.targets[0].count == 41)
            #expect(mask.targets[0].allSatisfy { (20...60).contains(ranks[$0]) })
            #expect(ranks.sorted() == Array(1...grid.count))
        }
    }

    @Test("windows take pictures of the longest side and no larger")
    func windowSizes() throws {
        let mask = WindowMask()
        try mask.validate(on: MaskGrid(rows: 16, columns: 16, patchSize: 16))
        for (grid, word) in [
            (MaskGrid(rows: 18, columns: 16, patchSize: 16), "maxSide"),
            (MaskGrid(rows: 7, columns: 8, patchSize: 16), "windowSize"),
        ] {
            let error = #expect(throws: ConfigurationError.self) { try mask.validate(on: grid) }
            #expect(try #require(error).key.contains(word))
        }
        #expect(throws: ConfigurationError.self) {
            try NoiseMask().validate(on: MaskGrid(rows: 1, columns: 2))
        }
    }
}
