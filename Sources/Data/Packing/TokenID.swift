/// Which picture a token belongs to, and where in it it lies.
public struct TokenID: Hashable, Sendable {
    /// What stands for no sample, and for no register.
    public static let none = -100
    /// A place of a sequence that no token takes.
    public static let padding = TokenID(sample: none, register: 0, row: 0, column: 0)

    public var sample: Int
    /// The number of a register token; `none` for a patch.
    public var register: Int
    public var row: Int
    public var column: Int

    public init(sample: Int, register: Int, row: Int, column: Int) {
        (self.sample, self.register) = (sample, register)
        (self.row, self.column) = (row, column)
    }

    /// A register token, which lies nowhere.
    public init(sample: Int, register: Int) {
        self.init(sample: sample, register: register, row: 0, column: 0)
    }

    /// The patch of a number, counted row by row.
    public init(sample: Int, patch: Int, on grid: MaskGrid) {
        self.init(
            sample: sample, register: Self.none, row: patch / grid.columns,
            column: patch % grid.columns)
    }

    /// Sample, register, row, column: the order in tensors.
    public var values: [Int] { [sample, register, row, column] }

    /// The tokens of a picture: registers, then the patches in the given order.
    public static func tokens(
        sample: Int, registers: Int, patches: some Sequence<Int>, on grid: MaskGrid
    ) -> [TokenID] {
        (0..<registers).map { TokenID(sample: sample, register: $0) }
            + patches.map { TokenID(sample: sample, patch: $0, on: grid) }
    }
}
