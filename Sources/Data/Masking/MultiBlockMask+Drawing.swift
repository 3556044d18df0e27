/// The contexts and targets of one picture: numbers of patches, ascending.
public struct MultiBlock: Hashable, Sendable {
    /// `contexts` lists.
    public var contexts: [[Int]]
    /// `targets` lists.
    public var targets: [[Int]]

    public init(contexts: [[Int]], targets: [[Int]]) {
        (self.contexts, self.targets) = (contexts, targets)
    }
}

extension MultiBlockMask {
    /// Draws the blocks of one picture, in full length.
    ///
    /// With `truncation: random` the lists are in random order, otherwise ascending.
    @specialized(where Draws == CounterRandom)
    public func blocks<Draws: MaskDraws>(
        on grid: MaskGrid, _ sizes: BlockSizes, random: inout Draws
    ) -> MultiBlock {
        let isContextFirst =
            smallContexts != .targetsFirst && sizes.context.count <= sizes.target.count
        var result =
            isContextFirst
            ? contextsFirst(on: grid, sizes, random: &random)
            : targetsFirst(on: grid, sizes, random: &random)
        if truncation == .random {
            func shuffle(_ list: [Int]) -> [Int] { random.choose(list.count, from: list) }
            result = MultiBlock(
                contexts: result.contexts.map(shuffle), targets: result.targets.map(shuffle))
        }
        return result
    }

    private func targetsFirst(
        on grid: MaskGrid, _ sizes: BlockSizes, random: inout some MaskDraws
    ) -> MultiBlock {
        var taken = Constraints(grid)
        let targets = (0..<targets).map { _ in
            let block = draw(sizes.target, on: grid, Constraints(grid), random: &random)
            taken.exclude(block.block)
            return block.patches
        }
        if allowOverlap { taken = Constraints(grid) }
        let contexts = (0..<contexts).map { _ in
            draw(sizes.context, on: grid, taken, random: &random).patches
        }
        return MultiBlock(contexts: contexts, targets: targets)
    }

    private func contextsFirst(
        on grid: MaskGrid, _ sizes: BlockSizes, random: inout some MaskDraws
    ) -> MultiBlock {
        var taken = Constraints(grid)
        let contexts = (0..<contexts).map { index in
            let block = draw(sizes.context, on: grid, Constraints(grid), random: &random)
            if smallContexts == .contextsFirst {
                taken.exclude(block.block)
            } else if index == self.contexts - 1 {
                taken.excludeColumns(of: block.block)
            }
            return block.patches
        }
        let targets = (0..<targets).map { _ in
            draw(sizes.target, on: grid, taken, random: &random).patches
        }
        return MultiBlock(contexts: contexts, targets: targets)
    }

    /// Draws a block until more than `minKeep` of its patches are free; after every 20 attempts one
    /// constraint less counts, the last one first.
    private func draw(
        _ size: BlockSize, on grid: MaskGrid, _ constraints: Constraints,
        random: inout some MaskDraws
    ) -> (block: PatchBlock, patches: [Int]) {
        // One more place a side than the reference has.
        let more = reachesEdges ? 1 : 0
        let (tops, lefts) = (grid.rows - size.height + more, grid.columns - size.width + more)
        require(
            size.count > minKeep && tops > 0 && lefts > 0,
            "MultiBlockMask: a block of \(size) on \(grid) patches, minKeep \(minKeep)")
        var attempts = 0
        while true {
            let block = PatchBlock(
                top: random.integer(in: 0..<tops),
                left: random.integer(in: 0..<lefts),
                height: size.height, width: size.width)
            let patches = constraints.free(in: block, first: constraints.count - attempts / 20)
            if patches.count > minKeep { return (block, patches) }
            attempts += 1
        }
    }
}

/// Patches that a block must leave out, each by one of several numbered constraints.
private struct Constraints {
    private let grid: MaskGrid
    private(set) var count = 0
    /// For each patch the first constraint that excludes it; empty while nothing is excluded.
    private var first: [Int] = []

    init(_ grid: MaskGrid) { self.grid = grid }

    /// One more constraint: the patches of a block.
    mutating func exclude(_ block: PatchBlock) {
        exclude(block.rows, block.columns, by: count)
        count += 1
    }

    /// One constraint for each row of the grid: whole columns, where the row meets the block.
    mutating func excludeColumns(of block: PatchBlock) {
        exclude(0..<grid.rows, block.columns, by: block.top)
        count = grid.rows
    }

    private mutating func exclude(_ rows: Range<Int>, _ columns: Range<Int>, by number: Int) {
        if first.isEmpty { first = [Int](repeating: .max, count: grid.count) }
        for row in rows {
            for column in columns {
                let index = row * grid.columns + column
                first[index] = min(first[index], number)
            }
        }
    }

    /// The patches of a block, ascending, that none of the first `count` constraints excludes.
    func free(in block: PatchBlock, first count: Int) -> [Int] {
        var patches: [Int] = []
        patches.reserveCapacity(block.count)
        for row in block.rows {
            for column in block.columns {
                let index = row * grid.columns + column
                if first.isEmpty || first[index] >= count { patches.append(index) }
            }
        }
        return patches
    }
}
