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
}
