/// The ways by the names of the families whose code they are from.
extension PositionResize {
    /// He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022), fine-tuning; probing in
    /// *Beyond [cls]* does the same.
    public static let mae = PositionResize.bicubic

    /// Baraldi et al., *Learning to Mask and Permute Visual Tokens for Vision Transformer
    /// Pre-Training* (2023): the way of timm's older vision transformers, CLIP's towers included that
    /// are loaded into one.
    public static let maPeT = PositionResize.bicubic

    /// Assran et al., *Self-Supervised Learning from Images with a Joint-Embedding Predictive
    /// Architecture* (2023), and StoP.
    ///
    /// Its factor √(N'/N) is the ratio of the sides of square grids; others take the ratio of each
    /// side. Its code takes row 0 for a class token and so refuses its own models, which have none;
    /// here the number of such rows is given. `sinCos` is the exact alternative.
    public static let iJEPA = PositionResize.bicubic

    /// Zhou et al., *iBOT: Image BERT Pre-Training with Online Tokenizer* (2022), in every forward
    /// pass; dense tasks too.
    public static let iBOT = PositionResize.bicubicOffset

    /// The way of the loaders of BEiT and DeiT, by which iBOT is fine-tuned: the table is fitted once,
    /// without the 0.1.
    public var forFineTuning: PositionResize { self == .bicubicOffset ? .bicubic : self }

    /// Caron et al., *Emerging Properties in Self-Supervised Vision Transformers* (2021), and the
    /// copies of DINO, BEiT v2 and CLIP that teach tokenizers.
    public static let dino = PositionResize.bicubicOffset

    /// The learned tables of featurenorm: a larger grid is an error.
    public static let featurenorm = PositionResize.none
}
