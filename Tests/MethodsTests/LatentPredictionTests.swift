import Data
import NN
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

/// Methods whose encoder has 8 × 8 patches of 4 × 4 grey pixels, and width 16.
enum TinyJointEmbedding {
    /// Blocks that have more than one place each, so that two contexts of a picture differ.
    static func masks(
        contexts: Int = 1, _ truncation: MultiBlockMask.Truncation = .first
    ) -> MultiBlockMask {
        var masks = MultiBlockMask()
        (masks.contexts, masks.truncation) = (contexts, truncation)
        (masks.contextScale, masks.minKeep) = ([0.3, 0.4], 2)
        return masks
    }

    static func ijepa(_ masks: MultiBlockMask) throws -> IJEPA {
        var config = IJEPA.Config()
        (config.predictorWidth, config.predictorDepth, config.masks) = (8, 2, masks)
        let generator = Generator(seed: 1)
        let method = try IJEPA(config, backbone: backbone(generator), generator: generator)
        shake([method.encoder, method.targetEncoder, method.predictor])
        return method
    }

    static func stop(_ masks: MultiBlockMask) throws -> StoP {
        var config = StoP.Config()
        (config.predictorWidth, config.predictorDepth, config.masks) = (8, 2, masks)
        let generator = Generator(seed: 1)
        let method = try StoP(config, backbone: backbone(generator), generator: generator)
        shake([method.encoder, method.targetEncoder, method.predictor])
        return method
    }

    /// Three pictures.
    static var batch: ImageBatch {
        ImageBatch(images: .normal([3, 1, 32, 32], generator: Generator(seed: 2)), seed: 3)
    }

    private static func backbone(_ generator: Generator) throws -> VisionTransformer {
        var encoder = VisionTransformer.Config()
        (encoder.imageSize, encoder.patchSize, encoder.channels) = (32, 4, 1)
        (encoder.width, encoder.depth, encoder.heads) = (16, 2, 2)
        encoder.classToken = false
        return try VisionTransformer(encoder, generator: generator)
    }

    /// Weights as they start say little of the picture: predictions of others would look the same.
    private static func shake(_ modules: [Module]) {
        let generator = Generator(seed: 4)
        noGrad {
            for parameter in modules.flatMap(\.parameters) {
                parameter.addInPlace(.normal(parameter.shape, generator: generator), scale: 0.3)
            }
        }
    }
}

@Suite("Predictions that I-JEPA and StoP show") struct LatentPredictionTests {
    /// The contexts and targets of one picture, `[1, K]` and `[1, M]`.
    private struct PictureBlocks {
        let contexts: [Tensor]
        let targets: [Tensor]

        init(_ blocks: MultiBlockBatch, picture: Int) {
            contexts = blocks.contexts.map { Self.tensor($0.rows[picture]) }
            targets = blocks.targets.map { Self.tensor($0.rows[picture]) }
        }

        private static func tensor(_ patches: [Int]) -> Tensor {
            Tensor(patches, shape: [1, patches.count])
        }

        /// One target, asked for by one context.
        func masks(target: Int, context: Int) -> JointEmbeddingMasks {
            JointEmbeddingMasks(contexts: [contexts[context]], targets: [targets[target]])
        }
    }

    /// What is shown of the predictions from one context, picture by picture and target by target.
    private struct Tally {
        var similarity: [Double] = []
        var sums = [Double](repeating: 0, count: 64)
        var counts = [Double](repeating: 0, count: 64)

        var mean: Double { sums.reduce(0, +) / counts.reduce(0, +) }

        /// - Parameters:
        ///   - predicted: the tokens of a target.
        ///   - patches: where they are.
        ///   - truth: the tokens of the whole picture.
        mutating func add(_ predicted: [[Double]], at patches: [Int], of truth: [[Double]]) {
            let mean = truth[0].indices.map { feature in
                predicted.reduce(0) { $0 + $1[feature] } / Double(predicted.count)
            }
            similarity += truth.map { Self.cosine(mean, $0) }
            for (token, patch) in zip(predicted, patches) {
                sums[patch] += Self.smoothL1(token, truth[patch])
                counts[patch] += 1
            }
        }

        private static func cosine(_ a: [Double], _ b: [Double]) -> Double {
            func dot(_ a: [Double], _ b: [Double]) -> Double {
                zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
            }
            return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        }

        private static func smoothL1(_ a: [Double], _ b: [Double]) -> Double {
            let losses = zip(a, b).map { x, y in
                let error = abs(x - y)
                return error < 1 ? error * error / 2 : error - 0.5
            }
            return losses.reduce(0, +) / Double(losses.count)
        }
    }

    /// The vectors of `[1, N, D]`.
    private func vectors(_ tokens: Tensor) -> [[Double]] {
        tokens[0].unbound().map { $0.values() }
    }

    /// Compares with loops over contexts, pictures and targets, in which each is predicted alone.
    ///
    /// `targets` makes `[B, N, D]` of images, `predict` `[1, M, D]` of a picture, a target and a context.
    private func check(
        _ method: some LatentPredictingMethod, _ masks: MultiBlockMask,
        on encoder: VisionTransformer, targets: (Tensor) -> Tensor,
        predict: (ImageBatch, PictureBlocks, _ target: Int, _ context: Int) -> Tensor
    ) throws {
        let batch = TinyJointEmbedding.batch
        let blocks = batch.multiBlock(masks, on: encoder.maskGrid(of: batch.images))
        try #require(blocks.contexts.count == masks.contexts && blocks.targets.count == 4)
        let found = method.predictLatents(batch)
        #expect(found.grid == PatchGrid(rows: 8, columns: 8))
        #expect(found.contexts == blocks.contexts[0].rows)
        #expect(found.targets == (0..<3).map { row in blocks.targets.map { $0.rows[row] } })
        #expect(!found.similarity.requiresGrad)

        var tallies = blocks.contexts.map { _ in Tally() }
        for (picture, part) in batch.parts(3).enumerated() {
            let own = PictureBlocks(blocks, picture: picture)
            let truth = vectors(targets(part.images))
            for context in tallies.indices {
                for (target, lists) in blocks.targets.enumerated() {
                    let predicted = noGrad { predict(part, own, target, context) }
                    tallies[context].add(
                        vectors(predicted), at: lists.rows[picture], of: truth)
                }
            }
        }
        // The first context is shown, and every target of every picture.
        expect(
            found.similarity, closeTo: similarity(tallies[0]), atol: 2e-5, "similarity")
        expect(
            found.lossSums, closeTo: Tensor(tallies[0].sums.map { Float($0) }), atol: 5e-5,
            rtol: 1e-5, "lossSums")
        #expect(found.lossCounts.values(as: Double.self) == tallies[0].counts)

        // What is trained on is the mean of all contexts.
        let loss = method.loss(batch, at: Step(index: 0, epoch: 0, total: 10)).total.item
        let mean = tallies.reduce(0) { $0 + $1.mean } / Double(tallies.count)
        #expect(abs(mean - loss) < 1e-5 * loss, "\(mean) for \(loss)")
        let shown = found.lossSums.sum().item / found.lossCounts.sum().item
        #expect(abs(shown - tallies[0].mean) < 1e-5 * shown)
        if tallies.count == 1 { #expect(abs(shown - loss) < 1e-5 * loss) }

        // Other pictures, targets and contexts would be seen.
        let all = found.similarity
        var differences = [all[0] - all[1], all[0..., 0] - all[0..., 1]]
        if tallies.count > 1 {
            #expect(blocks.contexts[0] != blocks.contexts[1])
            #expect(zip(tallies[0].sums, tallies[1].sums).contains { abs($0 - $1) > 1e-3 })
            differences.append(all - similarity(tallies[1]))
        }
        #expect(differences.allSatisfy { $0.abs().max().item > 1e-3 })
    }

    /// `[B, P, N]`.
    private func similarity(_ tally: Tally) -> Tensor {
        Tensor(tally.similarity.map { Float($0) }, shape: [3, 4, 64])
    }

    @Test(
        "I-JEPA's are those of each picture by itself, and their mean loss is the loss",
        arguments: [1, 2], [MultiBlockMask.Truncation.first, .none])
    func ijepa(contexts: Int, truncation: MultiBlockMask.Truncation) throws {
        let masks = TinyJointEmbedding.masks(contexts: contexts, truncation)
        let method = try TinyJointEmbedding.ijepa(masks)
        try check(method, masks, on: method.encoder, targets: method.targets(of:)) {
            part, blocks, target, context in
            method.predict(part.images, blocks.masks(target: target, context: context))
        }
    }

    @Test(
        "StoP's are those of each picture by itself with its noise, and their mean loss is the loss",
        arguments: [1, 2], [MultiBlockMask.Truncation.first, .none])
    func stop(contexts: Int, truncation: MultiBlockMask.Truncation) throws {
        let masks = TinyJointEmbedding.masks(contexts: contexts, truncation)
        let method = try TinyJointEmbedding.stop(masks)
        try check(method, masks, on: method.encoder, targets: method.targets(of:)) {
            part, blocks, target, context in
            // A picture's noise runs over targets, then contexts.
            let all = JointEmbeddingMasks(contexts: blocks.contexts, targets: blocks.targets)
            let row = target * contexts + context
            let noise = method.noise(for: part, all).targets?[row..<row + 1]
            return method.predict(
                part.images, blocks.masks(target: target, context: context),
                noise: PositionNoise(targets: noise))
        }
    }
}
