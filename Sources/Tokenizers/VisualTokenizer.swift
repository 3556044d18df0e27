public import NN
public import Torch

/// A model that turns each place of a picture into a number, the target of masked image modelling
/// with a classification loss.
public protocol VisualTokenizer: Module {
    /// How many different tokens there are.
    var codeCount: Int { get }

    /// The token of each place, int64: `[B, C, H, W]`, pixels from 0 to 1, to `[B, N]`, row by row.
    func codes(_ pictures: Tensor) -> Tensor
}
