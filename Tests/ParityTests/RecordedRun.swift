import Configuration
import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// A whole recorded run: its settings read from the reference's own, its steps, its last weights.
struct RecordedRun<Method: PretrainingMethod> {
    let item: ParityCase
    let method: Method
    let updater: Updater<Method>

    private let dtype: DType

    /// - Parameters:
    ///   - item: the case.
    ///   - key: of the reference's settings in it.
    ///   - dtype: fp32 as the reference, or fp64.
    /// - Throws: where the case is not one of a run.
    init(_ item: ParityCase, settings key: String, in dtype: DType) throws {
        self.item = item
        self.dtype = dtype
        let config = try item.config
        // JSON is YAML. The importer knows names of published sizes alone; the case has sizes of
        // its own, so only what its name begins with counts.
        let text = try #require(try item.file().metadata["config"])
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        var theirs = try #require(object?[key] as? [String: Any])
        var meta = try #require(theirs["meta"] as? [String: Any])
        if let name = meta["model_name"] as? String {
            meta["model_name"] = "\(name.prefix { $0 != "_" })_tiny"
        }
        let encoder = try RecordedJointEmbedding(item).encoder()
        // More blocks than there are mean all of them.
        if let blocks = meta["target_blocks"] as? Int {
            meta["target_blocks"] = min(blocks, encoder.depth)
        }
        theirs["meta"] = meta
        let recipe = try Recipe(
            yaml: String(
                decoding: JSONSerialization.data(withJSONObject: theirs), as: UTF8.self),
            named: item.testDescription)
        let imported = try ReferenceRecipe.resolve(recipe: recipe).value.imported()
        #expect(imported.method == Method.name)
        let sizes = [
            "imageSize=\(encoder.imageSize)", "width=\(encoder.width)", "depth=\(encoder.depth)",
            "heads=\(encoder.heads)", "mlpRatio=\(encoder.mlpRatio)",
        ].map { "model.\($0)" }
        // Masks are replayed, whatever grids the recorded sampler admits.
        let masks = RecordedJointEmbedding.anyMaskSettings
        // StoP's code orders the targets of several contexts otherwise than their predictions.
        let order = Method.name == StoP.name ? ["method.targetOrder=imageFirst"] : []
        let settings = try RunConfiguration<Method.Config>.resolve(
            overrides: imported.settings + sizes + masks + order + ["run.precision=float32"]
        ).value
        let generator = Generator(seed: 0)
        method = try Method(
            settings.method, backbone: settings.model.encoder(generator: generator),
            generator: generator)
        for entry in method.state() {
            entry.tensor.replaceMemoryInPlace(with: entry.tensor.detached().to(dtype: dtype))
        }
        updater = Updater(method, settings, stepsPerEpoch: try config.int("ipe"))
        method.train()
    }

    /// Starts from the recorded weights; the target encoder is a copy of the encoder.
    func start() throws {
        var weights = try item.weights
        for (name, tensor) in weights where name.hasPrefix("encoder.") {
            weights["target_" + name] = tensor
        }
        try method.load(weights)
    }

    func masks(_ index: Int) throws -> JointEmbeddingMasks {
        try RecordedJointEmbedding(item).masks("in/step\(index)_")
    }

    /// Makes the recorded steps, the first of which is number `first` of the run.
    ///
    /// - Returns: the losses.
    func steps(
        from first: Int = 0, _ loss: @escaping (Int, Tensor) throws -> Losses
    ) throws -> [Double] {
        let images = try item.tensor("in/images").to(dtype: dtype)  // [S, B, C, H, W]
        let config = try item.config
        let total = try config.int("ipe") * config.int("epochs")
        #expect(first + images.shape[0] == total)
        var rows: [Tensor] = []
        let losses = try (0..<images.shape[0]).map { index in
            let losses = try loss(index, images[index])
            let update = updater.update(
                at: updater.place(ofStep: first + index), [(1, { losses })])
            let norms = try #require(update.gradients.values)
            rows.append(
                stacked([norms.first, norms.last, norms.least, norms.greatest, norms.mean]))
            return update.loss.item
        }
        if try item.contains("out/grad_stats") {
            item.compare("out/grad_stats", stacked(rows).to(dtype: .float32))
        }
        return losses
    }

    /// Compares losses and every weight after the last step.
    ///
    /// Weights are compared of a run in fp64, whose distance from the reference's is the reference's
    /// own rounding: in fp32 those with small gradients depend on the order of sums.
    func compare(_ losses: [Double]) throws {
        item.compare("out/losses", Tensor(losses), tolerance: .absolute(1e-6))
        guard dtype == .float64 else { return }
        for (name, tensor) in method.stateDict where try item.contains("out/\(name)") {
            item.compareTrained("out/\(name)", tensor)
        }
    }
}
