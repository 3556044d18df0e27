import NN
import Torch

/// The bottlenecks of one size of the maps.
final class ResNetStage: Module, Layer {
    let blocks: [ResNetBottleneck]

    override class var stateNames: [String: String] { ["blocks": ""] }

    init(_ blocks: [ResNetBottleneck]) {
        self.blocks = blocks
    }

    func callAsFunction(_ x: Tensor) -> Tensor { blocks.reduce(x) { $1($0) } }
}
