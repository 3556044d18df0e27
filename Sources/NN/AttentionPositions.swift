public import Torch

/// What attention is told of the places of its tokens, beyond what the tokens hold themselves.
///
/// Most vision transformers add positions to the tokens and tell attention nothing. BEiT adds a bias
/// for each pair of tokens to the logits; rotary models turn queries and keys by their place.
public struct AttentionPositions {
    /// The bias of each head for each pair of tokens `[H, T, T]`, the same in every block.
    public let sharedBias: Tensor?
    /// Finds the bias of each pair in a block's own table.
    public let pairs: RelativePairs?
    /// Turns queries and keys.
    public let rotation: Rotation?

    public init(
        sharedBias: Tensor? = nil, pairs: RelativePairs? = nil, rotation: Rotation? = nil
    ) {
        self.sharedBias = sharedBias
        self.pairs = pairs
        self.rotation = rotation
    }
}
