public import NN
import Torch

/// A model whose weights are the moving average of another's: the target encoder of I-JEPA, the
/// teacher of DINO and iBOT.
///
/// θ̄ ← m θ̄ + (1 − m) θ. Buffers are left alone.
public struct MovingAverage {
    private let averages: [Tensor]
    private let sources: [Tensor]

    /// - Parameters:
    ///   - source: the trained model, with θ.
    ///   - average: θ̄, of the same shape; it is frozen.
    public init(of source: Module, in average: Module) {
        let (trained, followers) = (source.namedParameters, average.namedParameters)
        require(
            trained.map(\.name) == followers.map(\.name),
            "MovingAverage: the models have different parameters")
        average.freeze()
        sources = trained.map(\.tensor)
        averages = followers.map(\.tensor)
    }

    /// The average of the parameters that both models have by the same name; those that `average` alone
    /// has stay as they are.
    public init(ofShared source: Module, in average: Module) {
        let trained = Dictionary(source.namedParameters.map { ($0.name, $0.tensor) }) { first, _ in
            first
        }
        let pairs = average.namedParameters.compactMap { name, follower in
            trained[name].map { ($0, follower) }
        }
        average.freeze()
        sources = pairs.map(\.0)
        averages = pairs.map(\.1)
    }

    /// Starts from the weights of the trained model.
    public func reset() { noGrad { Foreach.copyInPlace(averages, from: sources) } }

    /// One step towards the trained weights.
    public func update(momentum: Double) {
        noGrad {
            Foreach.interpolateInPlace(averages, towards: sources, weight: 1 - momentum)
        }
    }
}
