/// Draws one mask for each view of a picture; the settings are those of a paper.
///
/// A pure function of the grid, the epoch and a random source: the same picture in the same epoch
/// gets the same mask, whatever else is in its batch and however many threads there are.
public protocol MaskSampler: MaskScheme {
    /// A mask over a grid for which `validate(on:)` does not throw.
    func mask(on grid: MaskGrid, epoch: Int, random: inout some MaskDraws) -> PatchMask
}

extension MaskSampler {
    /// A mask that does not depend on the epoch.
    public func mask(on grid: MaskGrid, random: inout some MaskDraws) -> PatchMask {
        mask(on: grid, epoch: 0, random: &random)
    }
}

extension MaskStep {
    /// The masks of the step, one a picture.
    public func masks(_ sampler: some MaskSampler, on grid: MaskGrid) -> [PatchMask] {
        keys.map { key in
            var random = random(of: key)
            return sampler.mask(on: grid, epoch: epoch, random: &random)
        }
    }
}

extension ImageBatch {
    /// The masks of a view of the batch, one a picture.
    public func masks(_ sampler: some MaskSampler, on grid: MaskGrid, view: Int = 0) -> [PatchMask]
    {
        maskStep(view: view).masks(sampler, on: grid)
    }
}
