public import Torch

/// The orders of a batch as tensors; the masks are made from ranks on the device.
///
/// Shapes: B pictures, N tokens, P predicted ones.
public struct PermutationBatch {
    /// The place of each token in its order, `[B, N]` int64.
    public let ranks: Tensor
    /// The predicted tokens, ascending, `[B, P]` int64.
    public let predicted: Tensor
    /// Whether each of the predicted tokens counts in the loss, `[B, P]` bool.
    public let countsInLoss: Tensor
    private let contextCount: Int

    /// Orders of one length and context.
    public init(_ orders: [TokenOrder], on device: Device = .cpu) {
        let predicted = orders.map(\.predicted)
        func tensor<Element: TensorElement>(_ rows: [[Element]]) -> Tensor {
            Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0]).sent(
                to: device)
        }
        ranks = tensor(orders.map(\.ranks))
        self.predicted = tensor(predicted)
        countsInLoss = tensor(
            zip(orders, predicted).map { order, tokens in
                tokens.map { order.ranks[$0] <= order.upperLimit ?? .max }
            })
        contextCount = orders.first?.contextCount ?? 1
    }

    /// As `TokenOrder.contentMask`, `[B, N + P, N + P]` float32.
    public var contentMask: Tensor {
        let last = Double(contextCount - 1)
        let tokens = ranks.to(dtype: .float32).clamped(min: last)
        let masks = Tensor.full(predicted.shape, last, device: ranks.device)
        return rows(concatenated([tokens, masks], 1))
    }

    /// As `TokenOrder.queryMask`, `[B, P, N + P]` float32.
    public var queryMask: Tensor { rows(predictedRanks - 1) }

    /// Both, the content stream first: `[B, N + 2P, N + P]` float32.
    public var mask: Tensor { concatenated([contentMask, queryMask], 1) }

    private var predictedRanks: Tensor {
        ranks.to(dtype: .float32).gathered(predicted, 1)  // [B, P]
    }

    private func rows(_ thresholds: Tensor) -> Tensor {
        let thresholds = thresholds.unsqueezed(2)  // [B, R, 1]
        let isAhead = thresholds .< ranks.to(dtype: .float32).unsqueezed(1)  // [B, R, N]
        let isMask = thresholds .< predictedRanks.unsqueezed(1)  // [B, R, P]
        return concatenated(
            [isAhead.to(dtype: .float32) * -1e30, (isMask.to(dtype: .float32) - 1) * 1e30], 2)
    }
}

extension MaskStep {
    /// The orders of the step, each a function of its picture and the epoch.
    public func orders(_ sampler: PermutationMask, on grid: MaskGrid) -> [TokenOrder] {
        keys.map { key in
            var random = random(of: key)
            return sampler.order(on: grid, random: &random)
        }
    }
}

extension ImageBatch {
    /// The orders of the batch, each a function of its picture and the epoch.
    public func orders(_ sampler: PermutationMask, on grid: MaskGrid, view: Int = 0)
        -> PermutationBatch
    {
        PermutationBatch(maskStep(view: view).orders(sampler, on: grid), on: images.device)
    }
}
