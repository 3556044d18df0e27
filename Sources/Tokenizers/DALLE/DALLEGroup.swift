import NN
import Torch

/// Residual blocks of one width.
final class DALLEGroup: Module, Layer {
    let blocks: [DALLEBlock]

    override class var stateNames: [String: String] { ["blocks": "block_*"] }

    /// - Parameters:
    ///   - inputs: channels that come in.
    ///   - outputs: channels that go out.
    ///   - kernels: of the four convolutions of a block.
    ///   - config: of the model.
    ///   - generator: the source of the initial weights.
    init(
        from inputs: Int, to outputs: Int, kernels: [Int], _ config: DALLEConfig,
        generator: Generator?
    ) {
        blocks = (0..<config.blocksPerGroup).map { index in
            DALLEBlock(
                index == 0 ? inputs : outputs, outputs, kernels: kernels, gain: config.gain,
                generator: generator)
        }
    }

    func callAsFunction(_ x: Tensor) -> Tensor { blocks.reduce(x) { $1($0) } }
}

/// x + g · four convolutions, each after a ReLU; the shortcut is a 1 × 1 convolution where the width
/// changes.
final class DALLEBlock: Module, Layer {
    let idPath: SameConvolution?
    let convolutions: [SameConvolution]
    /// g: with it the variance stays the same however many blocks there are.
    private let gain: Double

    override class var stateNames: [String: String] { ["convolutions": "res_path.conv_*"] }

    init(_ inputs: Int, _ outputs: Int, kernels: [Int], gain: Double, generator: Generator?) {
        idPath =
            inputs == outputs
            ? nil : SameConvolution(inputs, outputs, kernel: 1, generator: generator)
        let hidden = outputs / 4
        convolutions = kernels.enumerated().map { index, kernel in
            SameConvolution(
                index == 0 ? inputs : hidden, index == kernels.count - 1 ? outputs : hidden,
                kernel: kernel, generator: generator)
        }
        self.gain = gain
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let branch = convolutions.reduce(x) { $1($0.relu()) }
        return (idPath.map { $0(x) } ?? x) + branch * gain
    }
}
