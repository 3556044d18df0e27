public import Torch

/// What attention is told of the places of its tokens, beyond what the tokens hold themselves.
///
/// Most vision transformers add positions to the tokens and tell attention nothing. BEiT adds a bias
/// for each pair of tokens to the logits; rotary models turn queries and keys by their place.
public struct AttentionPositions {
    /// The bias of each head for each pair of tokens, the same in every block; of a shape that
    /// `[B, H, T, T]` can be expanded from.
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

    /// The same places with another bias.
    func with(sharedBias: Tensor?) -> AttentionPositions {
        AttentionPositions(sharedBias: sharedBias, pairs: pairs, rotation: rotation)
    }

    /// Of sequences that are filled up to one length: no token looks at one that is not there.
    ///
    /// - Parameter present: `[B, T]`, true for the tokens that there are.
    public init(present: Tensor) {
        let there = present.unsqueezed(1).unsqueezed(1)  // [B, 1, 1, T]
        let zero = Tensor.zeros([], device: present.device)
        self.init(sharedBias: there.select(zero, else: zero - .infinity))
    }
}
