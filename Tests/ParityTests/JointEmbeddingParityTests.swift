import Data
import NN
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

/// Predictors and losses of I-JEPA and StoP with recorded weights, masks and noise.
@Suite("I-JEPA and StoP equal to the reference") struct JointEmbeddingParityTests {
    // MARK: - Predictors

    @Test("I-JEPA's predictor", arguments: ParityTable.cases("stop", "ijepa_predictor"))
    func predictor(item: ParityCase) throws {
        let recorded = try RecordedJointEmbedding(item)
        let predictor = try recorded.predictor()
        try compare(predictor, recorded, asking: predictor.maskToken)
        item.finish()
    }

    @Test("StoP's predictor", arguments: ParityTable.cases("stop", "stop_predictor_*"))
    func noisyPredictor(item: ParityCase) throws {
        let recorded = try RecordedJointEmbedding(item)
        let mode = try recorded.settings.string("mode")
        let method = try recorded.stop {
            $0.positions = mode.hasPrefix("stochastic") ? .stochastic : .init(rawValue: mode)!
        }
        try method.predictor.load(item.weights)
        let noise = mode.hasPrefix("stochastic") ? try recorded.noise("in/unit_noise_") : .init()
        try compare(method.predictor, recorded, asking: method.asking(noise))
        item.compare("out/position_covariance", method.positionCovariance())
        item.finish()
    }

    /// First input, predictions and gradients of one predictor.
    private func compare(
        _ predictor: Predictor, _ recorded: RecordedJointEmbedding, asking: Tensor?
    ) throws {
        let item = recorded.item
        let context = try item.tensor("in/context").requiringGrad()
        let masks = try recorded.masks()
        let grid = predictor.encoder.grid
        var x = predictor.inputs(
            context, masks.contexts, masks.targets, predictor.positions(on: grid), asking: asking,
            shift: nil)
        for (index, block) in predictor.predictorBlocks.enumerated() {
            let name = "out/block\(index)_in"
            if try item.contains(name) { item.compare(name, x) }
            x = block(x)
        }
        let predicted = predictor(
            context, at: masks.contexts, predicting: masks.targets, on: grid, asking: asking)
        item.compare("out/pred", predicted)
        let loss = (predicted * (try item.tensor("in/cotangent"))).sum() / 100
        if try item.contains("out/loss") { item.compare("out/loss", loss) }
        loss.backward()
        item.compareGradients(
            of: predictor.namedParameters + [("in_context", context)])
    }

    // MARK: - Losses

    @Test("I-JEPA's loss", arguments: ParityTable.cases("stop", "ijepa_loss"))
    func loss(item: ParityCase) throws {
        let recorded = try RecordedJointEmbedding(item)
        let method = try recorded.ijepa()
        try method.load(item.weights)
        let images = try item.tensor("in/images")
        let masks = try recorded.masks()
        item.compare("out/target_tokens", method.targetEncoder(images))
        let normalized = method.targets(of: images)
        item.compare("out/target_normed", normalized)
        // Ours is no setting.
        #expect(try recorded.settings.double("target_layer_norm_eps") == 1e-5)
        let targets = masks.targetTokens(of: normalized)
        item.compare("out/targets", targets)
        let predicted = method.predict(images, masks)
        item.compare("out/pred", predicted)
        item.compare("out/loss_5z", (predicted.detached() * 5).smoothL1(targets))
        let losses = method.loss(images, masks)
        item.compare("out/loss", losses.total)
        losses.total.backward()
        // The reference recorded some of the gradients.
        let kept = Set(try item.gradients.keys)
        item.compareGradients(of: method.namedParameters.filter { kept.contains($0.name) })
        #expect(method.targetEncoder.parameters.allSatisfy { $0.gradient == nil })
        item.finish()
    }

    @Test("StoP's loss", arguments: ParityTable.cases("stop", "stop_loss"))
    func noisyLoss(item: ParityCase) throws {
        let recorded = try RecordedJointEmbedding(item)
        let images = try item.tensor("in/images")
        let masks = try recorded.masks()
        let method = try stop(recorded, images, masks)
        let noise = try recorded.noise("in/unit_noise_")
        let predicted = method.predict(images, masks, noise: noise)
        item.compare("out/pred", predicted)
        let tokens = method.targets(of: images)
        let targets = method.ordered(masks, tokens)
        item.compare("out/targets", targets)
        let rows = (0..<targets.shape[0]).map { predicted[$0].smoothL1(targets[$0]) }
        item.compare("out/loss_per_row", stacked(rows))
        let losses = method.loss(images, masks, noise: noise)
        item.compare("out/loss", losses.total)
        losses.total.backward()
        let kept = Set(try item.gradients.keys)
        item.compareGradients(of: method.namedParameters.filter { kept.contains($0.name) })

        let name = "out/targets_two_contexts_reference_order"
        // Rows of targets, contexts and images.
        let (rowCount, pictures) = (try item.tensor(name).shape[0], images.shape[0])
        let contexts = rowCount / (masks.targets.count * pictures)
        let several = JointEmbeddingMasks(
            contexts: (0..<contexts).map { masks.contexts[$0 % masks.contexts.count].patches },
            targets: masks.targets)
        // Recorded with the default of one block.
        let imageFirst = try recorded.stop {
            $0.targetOrder = .imageFirst
            $0.targetBlocks = 1
        }
        try imageFirst.load(item.weights)
        let last = imageFirst.targets(of: images)
        item.compare(name, imageFirst.ordered(several, last))
        // Of a single picture or context both orders are the same.
        if pictures > 1, contexts > 1 {
            #expect(!several.targetTokens(of: last).isEqual(to: try item.tensor(name)))
        }
        item.finish()
    }

    /// The method with the recorded weights and the order of targets that the recorded ones have.
    ///
    /// Of several contexts it is the mended one or the authors'; of one context both are the same.
    private func stop(
        _ recorded: RecordedJointEmbedding, _ images: Tensor, _ masks: JointEmbeddingMasks
    ) throws -> StoP {
        let mended = try recorded.stop { $0.targetOrder = .contextFirst }
        try mended.load(recorded.item.weights)
        let targets = mended.ordered(masks, mended.targets(of: images))
        let expected = try recorded.item.tensor("out/targets")
        let isMended =
            targets.shape == expected.shape && (targets - expected).abs().max().item < 1e-3
        if isMended || masks.contexts.count == 1 { return mended }
        let authors = try recorded.stop { $0.targetOrder = .imageFirst }
        try authors.load(recorded.item.weights)
        return authors
    }

    // MARK: - Starting weights

    /// The reference's weights are other draws: their mean and deviation are compared.
    @Test("starting weights", arguments: ParityTable.cases("stop", "ijepa_init_stats"))
    func initialization(item: ParityCase) throws {
        let facts = try item.config.object("after_init_model")
        let shapes = try Dictionary(
            facts.keys.map { name in
                (name, try facts.array(name)[0].array.map { try $0.int })
            }
        ) { first, _ in first }
        let encoderShapes = Dictionary(
            shapes.compactMap { name, shape in
                name.hasPrefix("encoder.") ? (String(name.dropFirst(8)), shape) : nil
            }
        ) { first, _ in first }
        // Heads are in no shape, and change no weight.
        let encoder = try VisionTransformer.Config(inferredFrom: encoderShapes, heads: 1)
        var config = IJEPA.Config()
        config.masks = RecordedJointEmbedding.anyMasks
        config.predictorWidth = try #require(shapes["predictor.mask_token"])[2]
        config.predictorDepth =
            shapes.keys.filter {
                $0.hasPrefix("predictor.predictor_blocks.") && $0.hasSuffix("norm1.weight")
            }.count
        let generator = Generator(seed: 5)
        let method = try IJEPA(
            config, backbone: VisionTransformer(encoder, generator: generator),
            generator: generator)
        let ours = Dictionary(method.stateDict.map { ($0.name, $0.tensor.detached()) }) { $1 }
        let trained = Set(method.namedParameters.map(\.name))
        var problems: [String] = []
        func check(_ holds: Bool, _ problem: String) { if !holds { problems.append(problem) } }
        for (name, shape) in shapes {
            let tensor = try #require(ours[name], "\(name)")
            let row = try facts.array(name)
            let (mean, std) = (try row[1].double, try row[2].double)
            check(tensor.shape == shape, "\(name) has shape \(tensor.shape)")
            check(trained.contains(name) == (try row[3].bool), "\(name) is trained or not")
            let flat = tensor.flattened()
            let deviation = flat.count > 1 ? flat.variance(0, correction: 0).sqrt().item : 0
            let average = flat.mean().item
            // Of n draws a deviation is off by a share of about 1/√(2n), and so is the recorded one:
            // they differ by about 1/√n, hardly ever by 4.5 of these.
            let share = max(0.03, 4.5 / Double(flat.count).squareRoot())
            check(abs(deviation - std) <= share * std, "\(name): \(deviation) for \(std)")
            let margin = std == 0 || std > 0.1 ? 1e-4 : 5 * std / Double(flat.count).squareRoot()
            check(abs(average - mean) <= 2 * margin, "\(name): mean \(average) for \(mean)")
        }
        for (name, tensor) in method.encoder.stateDict {
            let copy = try #require(ours["target_encoder.\(name)"])
            check(copy.isEqual(to: tensor.detached()), "\(name) differs in the target encoder")
        }
        // The facts are among the case's settings; its tensor only makes it a file.
        #expect(shapes.count > 10)
        item.compare("out/dummy") { _ in problems.first }
        item.finish()
    }
}
