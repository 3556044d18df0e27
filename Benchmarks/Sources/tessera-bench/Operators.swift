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
}
