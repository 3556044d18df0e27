package import Torch

extension Module {
    /// What a block makes of its input, with or without activation checkpointing.
    ///
    /// - Parameters:
    ///   - x: the input.
    ///   - biases: what else the block is given and a gradient may go to.
    ///   - generator: what the block draws from; nil where it draws nothing.
    ///   - stage: the block itself, which uses no trained tensors but its own, the input and the biases.
    /// - Returns: the block's output.
    package func checkpointing(
        _ x: Tensor, _ biases: [Tensor?] = [], drawing generator: Generator?,
        _ stage: @escaping (Tensor, [Tensor?]) -> Tensor
    ) -> Tensor {
        guard checkpointsActivations else { return stage(x, biases) }
        let run = { (inputs: [Tensor]) in
            var others = inputs.dropFirst()
            return stage(inputs[0], biases.map { $0 == nil ? nil : others.popFirst() })
        }
        let inputs = [x] + biases.compactMap { $0 }
        guard let generator else { return checkpointed(inputs, parameters: parameters, run) }
        let start = generator.state
        var isFirst = true
        return checkpointed(inputs, parameters: parameters) { inputs in
            // The second run belongs to no place in the sequence of draws, perhaps not even to the thread.
            let source = isFirst ? generator : Generator(state: start)
            isFirst = false
            return Generator.$scoped.withValue(source) { run(inputs) }
        }
    }
}
