import Imaging

/// Puts the patches of a picture into random order, to see whether a model needs their place.
public struct PatchShuffle: TransformStep {
    public static let name = "patchShuffle"
    public static let fields: [StepField<Self>] = [.init("patch", \.patch)]

    /// Side of a patch in pixels.
    public var patch = 16

    public init() {}

    public init(patch: Int) { self.patch = patch }

    public func check() throws {
        try expect(patch > 0, "patch", "\(patch)", "a number above 0")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        let count = (canvas.size.height / patch) * (canvas.size.width / patch)
        shuffle(&canvas, order: random.permutation(count))
    }

    /// Puts patch `order[i]` where patch i was.
    func shuffle(_ canvas: inout Canvas, order: [Int]) {
        canvas.replace { $0.permutingPatches(side: patch, order: order, into: &$1) }
    }
}
