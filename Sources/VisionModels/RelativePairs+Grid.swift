public import NN
public import Torch

extension RelativePairs {
    /// The pairs of the patches of a grid, and of a class token before them where there is one.
    ///
    /// Patches (r, c) and (r', c') of an h × w grid have the row
    /// (r − r' + h − 1)(2w − 1) + (c − c' + w − 1). With a class token three rows follow: class to
    /// patch, patch to class, class to class (BEiT).
    ///
    /// - Parameters:
    ///   - grid: of the image.
    ///   - classToken: whether token 0 is one.
    ///   - device: of the rows.
    ///   - fitting: fits a table that is made for another grid.
    public init(
        of grid: PatchGrid, classToken: Bool, device: Device = .cpu,
        fitting: @escaping (Tensor) -> Tensor = { $0 }
    ) {
        self.init(
            rows: Self.rows(of: grid, classToken: classToken).to(device), fitting: fitting)
    }

    private static func rows(of grid: PatchGrid, classToken: Bool) -> Tensor {
        let offsets = grid.offsets
        let cells = (0..<grid.count).map { ($0 / grid.columns, $0 % grid.columns) }
        let tokenCount = grid.count + (classToken ? 1 : 0)
        var rows: [Int] = []
        rows.reserveCapacity(tokenCount * tokenCount)
        if classToken {
            rows.append(offsets.count + 2)
            rows += Array(repeating: offsets.count, count: grid.count)
        }
        for (row, column) in cells {
            if classToken { rows.append(offsets.count + 1) }
            for (otherRow, otherColumn) in cells {
                rows.append(
                    (row - otherRow + grid.rows - 1) * offsets.columns
                        + column - otherColumn + grid.columns - 1)
            }
        }
        return Tensor(rows, shape: [tokenCount, tokenCount])
    }
}
