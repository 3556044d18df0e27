public import Torch

/// Dynamic loss scaling: Micikevicius et al., *Mixed Precision Training* (2018).
///
/// Small gradients vanish in fp16, so the loss is multiplied before the backward pass and the
/// gradients are divided after it. A step with an infinite gradient is skipped and halves the scale;
/// 2,000 good ones in a row double it. bf16 and fp32 need none of it.
///
/// ```swift
/// scaler.scaled(loss).backward()
/// let foundNonFinite = scaler.unscaleInPlace(optimizer.gradients)
/// optimizer.step(learningRate: 1e-3, weightDecay: 0.05, unless: foundNonFinite)
/// scaler.update(foundNonFinite)
/// ```
public final class LossScaler {
    /// The factor, a scalar tensor of fp32.
    public private(set) var scale: Tensor
    /// Good steps since the factor last changed, a scalar tensor of int32.
    private var tracker: Tensor
    /// What the factor is multiplied by after `interval` good steps, and after a step that is skipped.
    public let growth: Double
    public let backoff: Double
    public let interval: Int

    /// A scaler with PyTorch's values unless others are given.
    public init(
        on device: Device, initialScale: Double = 65536, growth: Double = 2, backoff: Double = 0.5,
        interval: Int = 2000
    ) {
        scale = Tensor.full([], initialScale, device: device)
        tracker = Tensor.zeros([], dtype: .int32, device: device)
        self.growth = growth
        self.backoff = backoff
        self.interval = interval
    }

    /// The loss to differentiate.
    public func scaled(_ loss: Tensor) -> Tensor { loss * scale }

    /// Divides gradients by the factor; returns 1 where any of them is not finite, else 0.
    public func unscaleInPlace(_ gradients: [Tensor]) -> Tensor {
        let found = Tensor.zeros(like: scale)
        let inverse = (1 / scale.to(dtype: .float64)).to(dtype: .float32)
        noGrad {
            Foreach.unscaleInPlace(gradients, foundNonFinite: found, inverseScale: inverse)
        }
        return found
    }

    /// Adapts the factor after a step.
    public func update(_ foundNonFinite: Tensor) {
        Foreach.updateLossScaleInPlace(
            scale, tracker: tracker, foundNonFinite: foundNonFinite, growth: growth,
            backoff: backoff, interval: interval)
    }

    /// The state as named tensors, the scaler's own.
    public func stateTensors() -> [(name: String, tensor: Tensor)] {
        [("scale", scale), ("growth_tracker", tracker)]
    }

    /// Continues from what `stateTensors` gave.
    ///
    /// - Throws: `OptimizerStateError` where a tensor is missing or no scalar.
    public func load(_ tensors: [String: Tensor]) throws {
        for (name, own) in stateTensors() {
            guard let saved = tensors[name] else {
                throw OptimizerStateError("the loss scaler's \(name) is missing")
            }
            guard saved.count == 1 else {
                throw OptimizerStateError(
                    "the loss scaler's \(name) has shape \(saved.shape), a number is needed")
            }
            own.copyInPlace(saved.reshaped([]))
        }
    }
}
