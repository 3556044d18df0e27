public import NN

/// A stage of Swin: blocks on one grid, then, but in the last stage, the merging of patches.
public final class SwinStage: Module {
    public let blocks: [SwinBlock]
    public let downsample: PatchMerging?

    init(blocks: [SwinBlock], downsample: PatchMerging?) {
        (self.blocks, self.downsample) = (blocks, downsample)
    }
}
