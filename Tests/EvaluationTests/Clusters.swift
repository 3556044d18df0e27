import Evaluation
import Torch

/// Features in clouds around one random centre a class, the same for the same seed.
func clusters(
    _ count: Int, classes: Int = 4, width: Int = 8, spread: Double = 0.5, seed: UInt64
) -> Features {
    let centres = Tensor.normal([classes, width], generator: Generator(seed: 77))
    let labels = (0..<count).map { $0 % classes }
    let noise = Tensor.normal([count, width], generator: Generator(seed: seed))
    return Features(
        values: centres.selecting(Tensor(labels), 0) + noise * spread, labels: labels)
}
