import Imaging

/// Blackens random patches: Kumar Singh and Lee, *Hide-and-Seek* (2017).
public struct HideAndSeek: TransformStep {
    public static let name = "hideAndSeek"
    public static let fields: [StepField<Self>] = [
        .init("ratio", \.ratio), .init("patch", \.patch), .init("form", \.form),
    ]

    /// Which pixels a patch's number stands for.
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// Row by row, each patch as large as it is.
        case exact
        /// iBOT's analysis: column by column, counted in the number of rows, and one pixel too many
        /// at the right and the bottom.
        case ibot
    }

    /// Part of the patches that is hidden.
    public var ratio = 0.5
    /// Side of a patch in pixels.
    public var patch = 16
    public var form = Form.exact

    public init() {}

    public init(ratio: Double, patch: Int, form: Form = .exact) {
        (self.ratio, self.patch, self.form) = (ratio, patch, form)
    }

    public func check() throws {
        try expect((0...1).contains(ratio), "ratio", "\(ratio)", "a number from 0 to 1")
        try expect(patch > 0, "patch", "\(patch)", "a number above 0")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        let count = (canvas.size.height / patch) * (canvas.size.width / patch)
        hide(&canvas, Array(random.permutation(count).prefix(hiddenCount(of: count))))
    }

    func hiddenCount(of count: Int) -> Int { Int(Double(count) * ratio) }

    /// Blackens the patches of the given numbers.
    func hide(_ canvas: inout Canvas, _ patches: [Int]) {
        let (rows, columns) = (canvas.size.height / patch, canvas.size.width / patch)
        canvas.edit { image in
            for number in patches {
                switch form {
                case .exact:
                    image.blacken(
                        CropBox(
                            top: number / columns * patch, left: number % columns * patch,
                            height: patch, width: patch))
                case .ibot:
                    image.blacken(
                        CropBox(
                            top: number / rows * patch, left: number % rows * patch,
                            height: patch + 1, width: patch + 1))
                }
            }
        }
    }
}
