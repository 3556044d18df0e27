import Data
import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// MaPeT's model of pre-training, loaded from the reference's tensors.
@Suite("MaPeT's two streams equal to the reference's") struct TwoStreamParityTests {
    @Test(
        "streams, logits, loss, gradients", arguments: ParityTable.cases("mapet", "mapet_forward*"))
    func forward(item: ParityCase) throws {
        let settings = try item.config
        let recorded = RecordedViT(item: item)
        let config = try recorded.config(heads: settings.int("num_heads")) {
            $0.normEps = (try? settings.double("norm_eps")) ?? $0.normEps
        }
        #expect(config.imageSize == (try settings.int("img_size")))
        #expect(config.depth == (try settings.int("depth")))
        #expect(try (config.layerScale != nil) == item.contains("w/blocks.0.ls1.gamma"))
        #expect(config.preNorm == settings.contains("pre_norm"))
        let model = TwoStreamPredictor(
            try VisionTransformer(config, generator: nil), vocabulary: try settings.int("ntoken"),
            generator: nil)
        try model.load(recorded.weights())

        let batch = try self.batch(item, context: settings.int("least_number"))
        let images = try item.tensor("in/image")
        let count = batch.predicted.shape[1]
        let content = batch.mask.shape[2]
        for (index, streams) in model.trace(
            images, predicted: batch.predicted, mask: batch.mask
        ).enumerated() {
            let name = index == 0 ? "in" : "block\(index - 1)"
            item.compare("out/\(name)_h", streams[0..., ..<content])
            item.compare("out/\(name)_g", streams[0..., content...])
        }
        let logits = model.logits(images, predicted: batch.predicted, mask: batch.mask)
        item.compare("out/logits", logits.transposed(1, 2))

        // Patch i is token i + 1.
        let tokens = try item.tensor("in/tokens").to(dtype: .int64)
        let targets = tokens.gathered((batch.predicted - 1).to(dtype: .int64), 1)
        item.compare("out/target", targets)
        let rows = logits.flattened(0, 1)
        let loss = rows.crossEntropy(targets.flattened(0, 1))
        item.compare("out/loss", loss.reshaped(1))
        let hits = (rows.argmax(-1) .== targets.flattened(0, 1)).to(dtype: .float32)
        item.compare("out/acc", hits.mean().reshaped(1))
        #expect(count == config.grid.count + 1 - (try settings.int("least_number")))
        loss.backward()
        try recorded.compareGradients(of: model)
        item.finish()
    }

    private func batch(_ item: ParityCase, context: Int) throws -> PermutationBatch {
        let permutations = try item.tensor("in/permutation")
        let length = permutations.shape[1]
        // The reference numbers tokens from 1.
        let tokens = permutations.values(as: Int.self).map { $0 - 1 }
        let orders = stride(from: 0, to: tokens.count, by: length).map {
            TokenOrder(tokens: Array(tokens[$0..<$0 + length]), contextCount: context)
        }
        item.compare(
            "out/predict",
            Tensor(orders.flatMap(\.isPredicted), shape: [orders.count, length]))
        return PermutationBatch(orders)
    }
}
