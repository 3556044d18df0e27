import Configuration
import Testing
import Torch

@testable import Data

/// What holds for every mask of every sampler on any grid.
@Suite("Mask samplers") struct MaskSamplerTests {
    /// Rectangles from thin to wide, random ones among them.
    static let grids: [MaskGrid] = {
        var random = CounterRandom(seed: 7, purpose: .mask)
        let drawn = (0..<12).map { _ in
            MaskGrid(
                rows: random.integer(in: 4..<33), columns: random.integer(in: 4..<33),
                patchSize: random.integer(in: 1..<5) * 4)
        }
        return drawn + [
            MaskGrid(rows: 14, columns: 14, patchSize: 16), MaskGrid(rows: 2, columns: 2),
            MaskGrid(rows: 2, columns: 31), MaskGrid(rows: 37, columns: 3),
        ]
    }()

    private func random(_ sample: Int, view: Int = 0) -> CounterRandom {
        CounterRandom(seed: 11, purpose: .mask, epoch: 2, sample: sample, view: view)
    }

    /// Expects what holds for every sampler, and gives each mask to `check`.
    private func everyMask(
        _ sampler: some MaskSampler, on grid: MaskGrid, check: (PatchMask) -> Void
    ) throws {
        try sampler.validate(on: grid)
        var seen: Set<PatchMask> = []
        for sample in 0..<40 {
            var (first, second) = (random(sample), random(sample))
            let mask = sampler.mask(on: grid, epoch: 3, random: &first)
            #expect(mask == sampler.mask(on: grid, epoch: 3, random: &second))
            #expect(mask.grid == grid && mask.hidden.count == grid.count)
            #expect(mask.hiddenIndices.count == mask.hiddenCount)
            #expect(
                (mask.hiddenIndices + mask.visibleIndices).sorted() == Array(0..<grid.count))
            seen.insert(mask)
            check(mask)
        }
        // In a grid of few rows there may be room for one block alone.
        if min(grid.rows, grid.columns) > 3 {
            #expect(seen.count > 5, "masks of different pictures are equal")
        }
    }

    @Test("SimMIM hides whole units, always the same number", arguments: grids)
    func simMIM(grid: MaskGrid) throws {
        var sampler = SimMIMMask()
        for scale in [1, 2, 3, 4]
        where grid.rows % scale == 0 && grid.columns % scale == 0 {
            sampler.unit = scale * grid.patchSize
            for ratio in [0.1, 0.5, 0.6, 0.9] {
                sampler.ratio = ratio
                let units = grid.count / (scale * scale)
                try everyMask(sampler, on: grid) { mask in
                    #expect(
                        mask.hiddenCount
                            == Int((Double(units) * ratio).rounded(.up)) * scale * scale)
                    let isWhole = (0..<grid.count).allSatisfy { index in
                        let (row, column) = (index / grid.columns, index % grid.columns)
                        return mask[index] == mask[row / scale * scale, column / scale * scale]
                    }
                    #expect(isWhole)
                }
            }
        }
    }

    @Test("iBOT hides at most what was drawn", arguments: grids)
    func ibot(grid: MaskGrid) throws {
        var sampler = IBOTMask()
        for (ratio, spread) in [([0.3], [0.0]), ([0, 0.3], [0, 0.2]), ([0.4, 0.1, 0.7], [0.1])] {
            (sampler.ratio, sampler.spread) = (ratio, spread)
            let most = zip(ratio, spread + spread + spread).map { $0 + $1 }.max() ?? 0
            for shape in IBOTMask.Shape.allCases {
                sampler.shape = shape
                try everyMask(sampler, on: grid) { mask in
                    #expect(Double(mask.hiddenCount) <= most * Double(grid.count))
                    if shape == .random, ratio == [0.3] {
                        #expect(mask.hiddenCount == Int(0.3 * Double(grid.count)))
                    }
                }
            }
        }
    }

    @Test("iBOT masks nothing before its epoch, and only some views")
    func ibotOptions() throws {
        let grid = MaskGrid(rows: 14, columns: 14)
        var sampler = IBOTMask()
        (sampler.ratio, sampler.spread, sampler.startEpoch) = ([0.5], [0], 4)
        sampler.probability = 0.25
        var masked = 0
        for sample in 0..<2000 {
            var source = random(sample)
            #expect(sampler.mask(on: grid, epoch: 3, random: &source).hiddenCount == 0)
            if sampler.mask(on: grid, epoch: 4, random: &source).hiddenCount > 0 { masked += 1 }
        }
        #expect((420...580).contains(masked))
    }

    @Test("BEiT's variants hide what they promise", arguments: grids)
    func beit(grid: MaskGrid) throws {
        for var sampler in [BEiTMask.beit, .beitV2, .cae] {
            for part in [0.1, 0.4, 0.75] {
                sampler.count = max(1, Int(part * Double(grid.count)))
                for block in [1, 4, 16] {
                    sampler.minBlock = block
                    try everyMask(sampler, on: grid) { mask in
                        if sampler.completion == .none {
                            #expect(mask.hiddenCount <= sampler.count)
                        } else {
                            #expect(mask.hiddenCount == sampler.count)
                        }
                    }
                }
            }
        }
    }

    @Test("BEiT's largest block is a limit")
    func largestBlock() throws {
        var sampler = BEiTMask()
        (sampler.count, sampler.minBlock, sampler.maxBlock) = (9, 2, 9)
        let grid = MaskGrid(rows: 20, columns: 20)
        try everyMask(sampler, on: grid) { #expect($0.hiddenCount <= 9) }
    }

    @Test(
        "permutations show each position to each row exactly once",
        arguments: grids.filter { $0.count <= 200 })
    func permutations(grid: MaskGrid) throws {
        var sampler = PermutationMask()
        for context in Set([1, grid.count / 3 + 1, grid.count]) {
            sampler.contextTokens = context
            try sampler.validate(on: grid)
            var source = random(context)
            let order = sampler.order(on: grid, random: &source)
            let (n, p) = (grid.count + 1, grid.count + 1 - context)
            #expect(order.ranks.sorted() == Array(0..<n) && order.ranks[0] == 0)
            #expect(order.predicted.count == p && !order.isPredicted[0])
            for values in [order.contentMask, order.queryMask] {
                let rows = stride(from: 0, to: values.count, by: n + p)
                #expect(rows.allSatisfy { values[$0..<$0 + n + p].count { $0 == 0 } == n })
            }
            // Nobody who predicts a token sees its content.
            for (row, token) in order.predicted.enumerated() {
                #expect(order.queryMask[row * (n + p) + token] == -1e30)
            }
        }
    }

    @Test("a batch has the masks of its pictures, whichever batch they are in")
    func batches() throws {
        let batch = ImageBatch(images: .zeros([6, 3, 32, 48]), seed: 9)
        let grid = MaskGrid(rows: 4, columns: 6, patchSize: 8)
        var sampler = IBOTMask()
        (sampler.ratio, sampler.spread) = ([0.5], [0])
        let masks = batch.masks(sampler, on: grid)
        #expect(Tensor(masks).shape == [6, 4, 6] && Tensor(masks).dtype == .bool)
        #expect(batch.parts(3).flatMap { $0.masks(sampler, on: grid) } == masks)
        #expect(batch.masks(sampler, on: grid, view: 1) != masks)
        var permutation = PermutationMask()
        permutation.contextTokens = 5
        let orders = batch.orders(permutation, on: grid)
        #expect(orders.ranks.shape == [6, 25] && orders.predicted.shape == [6, 20])
        #expect(orders.contentMask.shape == [6, 45, 45] && orders.queryMask.shape == [6, 20, 45])
    }

    @Test("settings that make no sense are refused, with the key")
    func refusals() {
        let grid = MaskGrid(rows: 14, columns: 14, patchSize: 16)
        func expectRefusal(_ key: String, _ body: () throws -> Void) {
            let error = #expect(throws: ConfigurationError.self, performing: body)
            #expect(error?.key == key)
        }
        var unit = SimMIMMask()
        unit.unit = 40
        expectRefusal("unit") { try unit.validate(on: grid) }
        unit.unit = 48
        expectRefusal("unit") { try unit.validate(on: grid) }
        var ibot = IBOTMask()
        ibot.spread = [0.1, 0.2]
        expectRefusal("spread") { try ibot.validate() }
        ibot = IBOTMask()
        expectRefusal("shape") { try ibot.validate(on: MaskGrid(rows: 1, columns: 9)) }
        expectRefusal("count") { try BEiTMask().validate(on: MaskGrid(rows: 8, columns: 8)) }
        expectRefusal("contextTokens") {
            try PermutationMask().validate(on: MaskGrid(rows: 7, columns: 7))
        }
        expectRefusal("patchSize") { _ = try MaskGrid(height: 8, width: 20, patchSize: 9) }
        expectRefusal("targetScale") {
            try MultiBlockMask().validate(on: MaskGrid(rows: 6, columns: 6))
        }
        var split = WindowSplit()
        split.registers = 3
        expectRefusal("registers") { try split.validate() }
        expectRefusal("windowSize") {
            try WindowSplit().validate(on: MaskGrid(rows: 5, columns: 6))
        }
        var sampling = WindowSampling()
        (sampling.disjoint, sampling.repeats) = (true, 5)
        expectRefusal("disjoint") { try sampling.validate(windows: 16) }
        var ratio = RandomSplitMask()
        ratio.ratio = [0.6, 0.4]
        expectRefusal("ratio") { try ratio.validate() }
    }
}
