/// Which layer of a network a parameter belongs to, for learning rates that fall towards the input.
///
/// Layer 0 is what embeds patches, places and the class, layer l the l-th block, the last layer all
/// that follows the blocks: Bao et al., *BEiT* (2022), for vision transformers; Xie et al., *SimMIM*
/// (2022), for Swin.
public struct LayerNumbers: Sendable {
    /// The number of what follows the blocks.
    public let last: Int
    private let numbered: @Sendable (String) -> Int?

    /// - Parameters:
    ///   - last: the number of what follows the blocks: that of the blocks + 1.
    ///   - numbered: the number by the name in checkpoints; nil for what follows the blocks.
    public init(last: Int, _ numbered: @escaping @Sendable (String) -> Int?) {
        self.last = last
        self.numbered = numbered
    }

    /// The number of a parameter's layer, 0 to `last`.
    public func number(of name: String) -> Int { numbered(name) ?? last }

    /// `patch_embed` and tokens before the patches are 0, `blocks.i` is i + 1; one table of relative
    /// positions for all blocks is the last.
    public static func visionTransformer(depth: Int) -> LayerNumbers {
        LayerNumbers(last: depth + 1) { name in
            let parts = name.split(separator: ".", maxSplits: 2)
            guard let first = parts.first else { return nil }
            if embeddings.contains(first) { return 0 }
            guard parts.count > 1, first == "blocks" else { return nil }
            return Int(parts[1]).map { $0 + 1 }
        }
    }

    /// Blocks are counted through the stages; what halves the grid after a stage goes with its last
    /// block, learned positions with what follows the blocks.
    public static func swin(depths: [Int]) -> LayerNumbers {
        LayerNumbers(last: depths.reduce(1, +)) { name in
            let parts = name.split(separator: ".", maxSplits: 4)
            guard let first = parts.first else { return nil }
            if embeddings.subtracting(["pos_embed"]).contains(first) { return 0 }
            guard parts.count > 2, first == "layers", let stage = Int(parts[1]),
                depths.indices.contains(stage)
            else { return nil }
            let before = depths[..<stage].reduce(0, +)
            if parts[2] == "downsample" { return before + depths[stage] }
            guard parts.count > 3, parts[2] == "blocks" else { return nil }
            return Int(parts[3]).map { before + $0 + 1 }
        }
    }

    /// What stands before the first block.
    private static let embeddings: Set<Substring> = [
        "patch_embed", "pos_embed", "cls_token", "dist_token", "reg_token", "mask_token",
        "masked_embed", "norm_pre",
    ]
}
