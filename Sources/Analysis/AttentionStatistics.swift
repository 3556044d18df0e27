import NN
public import Torch
public import VisionModels

/// Where tokens look, in every block and head.
///
/// The statistics of Przewięźlikowski et al., *Beyond [cls]: Exploring the True Potential of Masked Image
/// Modeling Representations* (2025), section 3.
///
/// A is the attention of a block, token 0 the class token, i and j patches; S_i = Σ_j A_ij and
/// P_ij = A_ij / (S_i + ε), ε = 1e-6. For every image, block and head:
///
/// 1. how much a token looks at itself: A_00, the mean of A_ii, and both as parts of S
/// 2. what class token and patches give each other: the means of A_0j and of A_i0
/// 3. how evenly they look at patches: the entropies E = −Σ_j P ln(P + ε), up to ln N
/// 4. how much attention changes a token: ‖attention's output‖ / ‖the block's input‖
///
/// B images, H heads, T tokens, N patches. Tokens before the patches other than the class token count as
/// neither. Models without a class token have the numbers of patches alone.
public struct AttentionStatistics {
    /// The numbers of a head, by the names under which the published code logs them.
    public enum HeadQuantity: String, CaseIterable, Sendable {
        case clsCls = "cls_cls_attention"
        case posSelf = "pos_self_attention"
        case clsClsAdjusted = "cls_cls_attention_adj_for_cls"
        case posSelfAdjusted = "pos_self_attention_adj_for_cls"
        case clsPos = "cls_pos_attention"
        case posCls = "pos_cls_attention"
        case clsEntropy = "cls_pos_entropy"
        case posEntropy = "pos_pos_entropy"

        /// Whether it says something of a class token.
        public var needsClassToken: Bool {
            switch self {
            case .posSelf, .posSelfAdjusted, .posEntropy: false
            case .clsCls, .clsClsAdjusted, .clsPos, .posCls, .clsEntropy: true
            }
        }
    }

    /// The numbers of a block.
    public enum BlockQuantity: String, CaseIterable, Sendable {
        case clsMagnitude = "cls_magnitude"
        case posMagnitude = "pos_magnitude"
    }

    /// Of each image, `[B, blocks, H, 8]` in the order of `HeadQuantity`; NaN for those of a class token
    /// that there is not.
    public let heads: Tensor
    /// `[B, blocks, 2]` in the order of `BlockQuantity`.
    public let magnitudes: Tensor
    /// The class token after the last block without the final norm, `[B, D]`; the mean of the patches in
    /// models without one.
    public let features: Tensor

    private static let epsilon = 1e-6

    /// Looks at images `[B, C, H, W]`.
    ///
    /// - Parameters:
    ///   - model: in evaluation, or drop path changes the numbers.
    ///   - images: of any size that the model takes.
    public init(_ model: VisionTransformer, images: Tensor) {
        let (extra, hasClass) = (model.extraTokens, model.hasClassToken)
        var heads: [Tensor] = []
        var magnitudes: [Tensor] = []
        let tokens = noGrad {
            model.trace(images) { trace in
                heads.append(
                    Self.headNumbers(trace.weights, extraTokens: extra, hasClassToken: hasClass))
                magnitudes.append(
                    Self.magnitudes(trace, extraTokens: extra, hasClassToken: hasClass))
            }
        }
        self.heads = stacked(heads, 1)
        self.magnitudes = stacked(magnitudes, 1)
        features = hasClass ? tokens[0..., 0] : tokens[0..., extra...].mean(1)
    }

    init(heads: Tensor, magnitudes: Tensor, features: Tensor) {
        (self.heads, self.magnitudes, self.features) = (heads, magnitudes, features)
    }

    /// The five numbers of every token: A_ii, A_ii / (S_i + ε), A_0i, A_i0 and E_i.
    ///
    /// - Parameters:
    ///   - weights: `[B, H, T, T]`.
    ///   - extraTokens: those before the patches.
    /// - Returns: `[5, B, H, T]`.
    public static func perToken(_ weights: Tensor, extraTokens: Int) -> Tensor {
        let count = weights.shape[3]
        let diagonal = Tensor.range(0..<count * count, by: count + 1, device: weights.device)
        let itself = weights.flattened(2).selecting(diagonal, 2)  // [B, H, T]
        let onPatches = weights[0..., 0..., 0..., extraTokens...]  // [B, H, T, N]
        let total = onPatches.sum(-1, keepDim: true) + epsilon
        let shares = onPatches / total
        return stacked(
            [
                itself, itself / total.squeezed(-1), weights[0..., 0..., 0],
                weights[0..., 0..., 0..., 0], -(shares * (shares + epsilon).log()).sum(-1),
            ], 0)
    }

    /// `[B, H, 8]`.
    private static func headNumbers(_ weights: Tensor, extraTokens: Int, hasClassToken: Bool)
        -> Tensor
    {
        let numbers = perToken(weights, extraTokens: extraTokens).unbound()
        func cls(_ index: Int) -> Tensor { numbers[index][0..., 0..., 0] }
        func pos(_ index: Int) -> Tensor { numbers[index][0..., 0..., extraTokens...].mean(-1) }
        let none = Tensor.full([weights.shape[0], weights.shape[1]], Double.nan).to(weights.device)
        return stacked(
            HeadQuantity.allCases.map { quantity in
                guard hasClassToken || !quantity.needsClassToken else { return none }
                return switch quantity {
                case .clsCls: cls(0)
                case .posSelf: pos(0)
                case .clsClsAdjusted: cls(1)
                case .posSelfAdjusted: pos(1)
                case .clsPos: pos(2)
                case .posCls: pos(3)
                case .clsEntropy: cls(4)
                case .posEntropy: pos(4)
                }
            }, -1)
    }

    /// `[B, 2]`.
    private static func magnitudes(_ trace: BlockTrace, extraTokens: Int, hasClassToken: Bool)
        -> Tensor
    {
        let ratio = norms(trace.mixed) / (norms(trace.input) + epsilon)  // [B, T]
        let none = Tensor.full([ratio.shape[0]], Double.nan).to(ratio.device)
        return stacked(
            [
                hasClassToken ? ratio[0..., 0] : none, ratio[0..., extraTokens...].mean(1),
            ], -1)
    }

    /// The Euclidean lengths of tokens, `[B, T, D] -> [B, T]`.
    static func norms(_ tokens: Tensor) -> Tensor { (tokens * tokens).sum(-1).sqrt() }
}

extension AttentionStatistics {
    /// The numbers of more images behind one another.
    public static func joined(_ parts: [AttentionStatistics]) -> AttentionStatistics {
        AttentionStatistics(
            heads: concatenated(parts.map(\.heads), 0),
            magnitudes: concatenated(parts.map(\.magnitudes), 0),
            features: concatenated(parts.map(\.features), 0))
    }

    /// Means over images and heads, `[blocks, 8]`: what the published code logs.
    public var meanHeads: Tensor { heads.mean(0, 2) }

    /// Means over images, `[blocks, 2]`.
    public var meanMagnitudes: Tensor { magnitudes.mean(0) }
}
