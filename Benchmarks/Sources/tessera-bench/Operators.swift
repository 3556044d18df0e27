import NN
import Torch

/// What a call of an operator costs apart from its arithmetic.
enum Operators {
    static func add(_ settings: Settings, _ device: Device) -> () -> Void {
        let (x, y) = (Tensor.ones([4, 4], device: device), Tensor.ones([4, 4], device: device))
        return {
            for _ in 0..<settings.repetitions { _ = x + y }
        }
    }

    /// The same where the result is recorded for differentiation.
    static func recordedMultiply(_ settings: Settings, _ device: Device) -> () -> Void {
        let x = Tensor.ones([4, 4], device: device).requiringGrad()
        let y = Tensor.ones([4, 4], device: device)
        return {
            for _ in 0..<settings.repetitions { _ = x * y }
        }
    }

    /// The product of two large matrices, on random numbers: on zeros a GPU is faster.
    static func matrixProduct(_ settings: Settings, _ device: Device) -> () -> Void {
        let generator = Generator(seed: 0)
        let (x, y) = (
            Tensor.normal([8192, 8192], generator: generator).to(device).to(dtype: .bfloat16),
            Tensor.normal([8192, 8192], generator: generator).to(device).to(dtype: .bfloat16)
        )
        return {
            for _ in 0..<settings.repetitions { _ = x.matmul(y) }
        }
    }

    /// A linear layer of ViT-S/16's MLP on 16 pictures, forward and backward: what a step consists of
    /// for the most part, and cannot be faster than.
    static func linear(_ settings: Settings, _ device: Device) -> () -> Void {
        let generator = Generator(seed: 0)
        let layer = Linear(384, 1536, generator: generator)
        return differentiated(settings, device, [16 * 197, 384], [16 * 197, 1536]) { layer($0) }
    }

    /// ViT-S's attention with its two linear layers, forward and backward.
    static func attention(_ settings: Settings, _ device: Device) -> () -> Void {
        let generator = Generator(seed: 0)
        let layer = Attention(384, heads: 6, generator: generator)
        let shape = [settings.batch, settings.tokens, 384]
        return differentiated(settings, device, shape, shape) { layer($0) }
    }

    /// A layer on random numbers, forward and backward.
    private static func differentiated(
        _ settings: Settings, _ device: Device, _ input: [Int], _ output: [Int],
        _ layer: @escaping (Tensor) -> Tensor
    ) -> () -> Void {
        let generator = Generator(seed: 1)
        let x = Tensor.normal(input, generator: generator).requiringGrad()
        let slope = Tensor.normal(output, generator: generator)
        return {
            for _ in 0..<settings.repetitions {
                let y = autocast(to: TrainingSteps.precision(settings), on: device) { layer(x) }
                y.backward(slope.to(dtype: y.dtype))
            }
        }
    }
}
