public import Torch

/// One bit for each patch of a picture, row by row: hidden (masked) or visible.
public struct PatchMask: Hashable, Sendable {
    public let grid: MaskGrid
    /// Whether each patch is hidden, `rows · columns` of them.
    public private(set) var hidden: [Bool]

    /// A mask that hides nothing.
    public init(_ grid: MaskGrid) {
        self.grid = grid
        hidden = [Bool](repeating: false, count: grid.count)
    }

    /// A mask that hides the patches of the given numbers.
    public init(_ grid: MaskGrid, hiding indices: some Sequence<Int>) {
        self.init(grid)
        for index in indices { hidden[index] = true }
    }

    public subscript(row: Int, column: Int) -> Bool {
        get { hidden[row * grid.columns + column] }
        set { hidden[row * grid.columns + column] = newValue }
    }

    /// The patch of a number, counted row by row.
    public subscript(index: Int) -> Bool {
        get { hidden[index] }
        set { hidden[index] = newValue }
    }

    /// How many patches are hidden.
    public var hiddenCount: Int { hidden.reduce(0) { $0 + ($1 ? 1 : 0) } }
    /// The numbers of the hidden patches, ascending.
    public var hiddenIndices: [Int] { hidden.indices.filter { hidden[$0] } }
    /// The numbers of the visible patches, ascending.
    public var visibleIndices: [Int] { hidden.indices.filter { !hidden[$0] } }

    /// The same mask on a grid whose patches are `1 / scale` as wide: each bit `scale × scale` times.
    public func repeated(_ scale: Int) -> PatchMask {
        let finer = MaskGrid(
            rows: grid.rows * scale, columns: grid.columns * scale,
            patchSize: max(grid.patchSize / scale, 1))
        var result = PatchMask(finer)
        for row in 0..<finer.rows {
            for column in 0..<finer.columns {
                result[row, column] = self[row / scale, column / scale]
            }
        }
        return result
    }

    /// Hides the cells of a block; they must lie within the grid.
    mutating func hide(_ block: PatchBlock) {
        for row in block.rows {
            let start = row * grid.columns
            for index in start + block.columns.lowerBound..<start + block.columns.upperBound {
                hidden[index] = true
            }
        }
    }

    /// How many cells of a block are hidden.
    func hiddenCount(in block: PatchBlock) -> Int {
        var count = 0
        for row in block.rows {
            let start = row * grid.columns
            for index in start + block.columns.lowerBound..<start + block.columns.upperBound
            where hidden[index] { count += 1 }
        }
        return count
    }
}

/// A rectangle of patches.
struct PatchBlock: Hashable, Sendable {
    let top: Int
    let left: Int
    let height: Int
    let width: Int

    var rows: Range<Int> { top..<top + height }
    var columns: Range<Int> { left..<left + width }
    var count: Int { height * width }
}

extension Tensor {
    /// Masks of pictures of one size, `[B, rows, columns]`, true where a patch is hidden.
    public init(_ masks: [PatchMask]) {
        let grid = masks.first?.grid ?? MaskGrid(rows: 1, columns: 1)
        self.init(
            masks.flatMap(\.hidden), shape: [masks.count, grid.rows, grid.columns])
    }
}
