import Testing
import Torch

@testable import Data

/// What holds for contexts and targets on any grid.
@Suite("Context and target blocks") struct MultiBlockTests {
    private func random(_ sample: Int) -> CounterRandom {
        CounterRandom(seed: 13, purpose: .mask, sample: sample)
    }

    /// Whether a list is ascending, without repeats, within a grid.
    private func isSorted(_ list: [Int], _ grid: MaskGrid) -> Bool {
        zip(list, list.dropFirst()).allSatisfy { $0 < $1 }
            && list.allSatisfy((0..<grid.count).contains)
    }

    @Test(
        "lists are within the grid, long enough, apart, and never in the last row or column",
        arguments: [
            MaskGrid(rows: 14, columns: 14), MaskGrid(rows: 12, columns: 20),
            MaskGrid(rows: 31, columns: 9), MaskGrid(rows: 16, columns: 16),
        ], [MultiBlockMask.ijepa, .stop])
    func lists(grid: MaskGrid, sampler: MultiBlockMask) throws {
        for contexts in [1, 3] {
            for targets in [1, 4] {
                var sampler = sampler
                (sampler.contexts, sampler.targets) = (contexts, targets)
                try sampler.validate(on: grid)
                for sample in 0..<50 {
                    var source = random(sample)
                    let sizes = sampler.sizes(on: grid, random: &source)
                    var again = source
                    let result = sampler.blocks(on: grid, sizes, random: &source)
                    #expect(result == sampler.blocks(on: grid, sizes, random: &again))
                    #expect(result.contexts.count == contexts && result.targets.count == targets)
                    let targets = Set(result.targets.joined())
                    for list in result.contexts + result.targets {
                        #expect(isSorted(list, grid) && list.count > sampler.minKeep)
                        #expect(!list.contains { $0 / grid.columns == grid.rows - 1 })
                        #expect(!list.contains { $0 % grid.columns == grid.columns - 1 })
                    }
                    #expect(result.targets.allSatisfy { $0.count == sizes.target.count })
                    // Here there is room, so that no constraint was given up.
                    #expect(targets.isDisjoint(with: result.contexts.joined()))
                }
            }
        }
    }

    @Test("overlap, where it is allowed")
    func overlap() {
        let grid = MaskGrid(rows: 14, columns: 14)
        var sampler = MultiBlockMask()
        sampler.allowOverlap = true
        var source = random(0)
        let sizes = sampler.sizes(on: grid, random: &source)
        let result = sampler.blocks(on: grid, sizes, random: &source)
        #expect(result.contexts[0].count == sizes.context.count)
    }

    @Test("with reachesEdges blocks cover every row and column and may span a side")
    func edges() throws {
        let grid = MaskGrid(rows: 4, columns: 4)
        var sampler = MultiBlockMask()
        (sampler.targetScale, sampler.contextScale) = ([0.2, 0.3], [1, 1])
        (sampler.minKeep, sampler.targets) = (1, 3)
        func covered() -> (targets: Set<Int>, contextSize: Int) {
            var (targets, largest) = (Set<Int>(), 0)
            for sample in 0..<200 {
                var source = random(sample)
                let sizes = sampler.sizes(on: grid, random: &source)
                largest = max(largest, sizes.context.count)
                targets.formUnion(
                    sampler.blocks(on: grid, sizes, random: &source).targets.joined())
            }
            return (targets, largest)
        }
        let reference = covered()
        #expect(reference.targets.allSatisfy { $0 / 4 < 3 && $0 % 4 < 3 })
        #expect(reference.contextSize == 9)
        sampler.reachesEdges = true
        try sampler.validate(on: grid)
        let whole = covered()
        #expect(whole.targets == Set(0..<16) && whole.contextSize == 16)
    }

    @Test("where targets leave no room, constraints are given up one by one")
    func relaxation() throws {
        let grid = MaskGrid(rows: 6, columns: 6)
        var sampler = MultiBlockMask()
        (sampler.targetScale, sampler.minKeep) = ([0.5, 0.6], 14)
        try sampler.validate(on: grid)
        var source = random(0)
        let sizes = sampler.sizes(on: grid, random: &source)
        let result = sampler.blocks(on: grid, sizes, random: &source)
        #expect(result.contexts[0].count > 14)
        #expect(!Set(result.targets.joined()).isDisjoint(with: result.contexts[0]))
    }

    @Test("small contexts: targets keep away from them, or from their columns")
    func smallContexts() throws {
        let grid = MaskGrid(rows: 14, columns: 14)
        var sampler = MultiBlockMask.stop
        (sampler.contextScale, sampler.targetScale) = ([0.1, 0.12], [0.15, 0.2])
        sampler.minKeep = 4
        for sample in 0..<50 {
            var source = random(sample)
            let sizes = sampler.sizes(on: grid, random: &source)
            let meant = sampler.blocks(on: grid, sizes, random: &source)
            #expect(meant.contexts[0].count == sizes.context.count)
            #expect(Set(meant.contexts[0]).isDisjoint(with: meant.targets.joined()))
            var code = sampler
            code.smallContexts = .contextColumns
            let result = code.blocks(on: grid, sizes, random: &source)
            let columns = Set(result.contexts[0].map { $0 % grid.columns })
            for target in result.targets {
                #expect(columns.isDisjoint(with: target.map { $0 % grid.columns }))
            }
        }
    }

    @Test("a batch: lists of one length, cut at the end, at random, or not")
    func truncation() throws {
        let batch = ImageBatch(images: .zeros([16, 3, 224, 224]), seed: 3)
        let grid = MaskGrid(rows: 14, columns: 14, patchSize: 16)
        var sampler = MultiBlockMask()
        sampler.truncation = .none
        let full = batch.multiBlock(sampler, on: grid)
        #expect(full.contexts[0].length == nil)
        let shortest = try #require(full.contexts[0].rows.map(\.count).min())
        sampler.truncation = .first
        let first = batch.multiBlock(sampler, on: grid)
        #expect(first.contexts[0].rows == full.contexts[0].rows.map { Array($0.prefix(shortest)) })
        #expect(first.targets == full.targets)
        sampler.truncation = .random
        let drawn = batch.multiBlock(sampler, on: grid)
        #expect(drawn.contexts[0].length == shortest)
        for (row, whole) in zip(drawn.contexts[0].rows, full.contexts[0].rows) {
            #expect(isSorted(row, grid) && Set(row).isSubset(of: whole))
        }
        #expect(drawn.contexts[0].rows != first.contexts[0].rows)

        let rows = full.contexts[0].rows
        let selection = full.contexts[0].selection()
        let longest = try #require(rows.map(\.count).max())
        #expect(selection.patches.shape == [16, longest])
        let lengths = try #require(selection.lengths)
        #expect(lengths == rows.map(\.count))
        for (index, row) in rows.enumerated() {
            let listed = selection.patches[index].values(as: Int.self)
            #expect(listed.prefix(lengths[index]).elementsEqual(row))
        }
        // Lists of the same pictures one after another, of which some are of one length.
        let even = PatchSelection(patches: selection.patches * Tensor(scalar: 0))
        #expect(
            PatchSelection.lengths(of: [even, selection])
                == Array(repeating: longest, count: 16) + lengths)
        #expect(PatchSelection.lengths(of: [even, even]) == nil)
        #expect(first.contexts[0].selection().lengths == nil)
        #expect(first.contexts[0].tensor.shape == [16, shortest])
        // Blocks of a picture do not depend on what else is in its batch; their sizes are those of
        // the step.
        sampler.truncation = .none
        let parts = batch.parts(4).flatMap { $0.multiBlock(sampler, on: grid).contexts[0].rows }
        #expect(parts == full.contexts[0].rows)
    }

    @Test("a random split is a partition")
    func randomSplit() throws {
        let batch = ImageBatch(images: .zeros([8, 3, 64, 96]), seed: 3)
        let grid = MaskGrid(rows: 8, columns: 12, patchSize: 8)
        let result = batch.randomSplit(RandomSplitMask(), on: grid)
        let length = try #require(result.contexts[0].length)
        #expect((38...57).contains(length))
        for (context, target) in zip(result.contexts[0].rows, result.targets[0].rows) {
            #expect((context + target).sorted() == Array(0..<grid.count))
        }
    }
}
