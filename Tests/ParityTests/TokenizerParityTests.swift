import NN
import TensorFiles
import TestSupport
import Testing
import Tokenizers
import Torch
import VisionModels

/// DALL-E's and BEiT v2's visual tokens.
@Suite("Visual tokens equal to the references'") struct TokenizerParityTests {
    private func dalleConfig(_ item: ParityCase) throws -> DALLEConfig {
        let settings = try item.config
        var config = DALLEConfig()
        config.width = try settings.int("n_hid")
        config.firstWidth = try settings.int("n_init")
        config.groups = try settings.int("group_count")
        config.blocksPerGroup = try settings.int("n_blk_per_group")
        config.codeCount = try settings.int("vocab_size")
        return config
    }

    @Test("DALL-E's encoder", arguments: ParityTable.cases("mapet", "dalle_encoder"))
    func dalleEncoder(item: ParityCase) throws {
        let config = try dalleConfig(item)
        var inferred = try DALLEConfig(inferredFrom: item.weights.mapValues(\.shape))
        inferred.firstWidth = config.firstWidth  // which the encoder has not
        #expect(inferred == config)
        let model = try DALLEEncoder(config, generator: nil)
        try model.load(item.weights)
        let image = try item.tensor("in/image")
        let mapped = DALLEEncoder.mapped(image)
        item.compare("out/mapped", mapped)
        let logits = model(mapped)
        item.compare("out/logits", logits)
        let (b, _, h, w) = logits.shape4
        item.compare("out/tokens", model.codes(image).reshaped(b, h, w))
        item.finish()
    }

    @Test("DALL-E's decoder", arguments: ParityTable.cases("mapet", "dalle_decoder"))
    func dalleDecoder(item: ParityCase) throws {
        let config = try dalleConfig(item)
        #expect(try DALLEConfig(inferredFrom: item.weights.mapValues(\.shape)) == config)
        let model = try DALLEDecoder(config, generator: nil)
        try model.load(item.weights)
        let codes = try item.tensor("in/tokens")
        item.compare("out/stats", model(codes))
        item.compare("out/picture", model.picture(codes))
        item.finish()
    }

    @Test(
        "VQ-KD: pixels, tokens, teacher, losses, gradients",
        arguments: ParityTable.cases("mapet", "vqkd_full"), [true, false])
    func vqkd(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let settings = try item.config
            let weights = try item.weights
            let heads = try settings.object("enc").int("num_heads")
            let config = try vqkdConfig(settings, weights, heads: heads)
            let model = try VQKD(config, generator: nil)
            try model.load(VQKD.own(weights))
            model.evaluate()

            let image = try item.tensor("in/image")
            let pixels = VQKDPixels.symmetric.prepared(image)
            item.compare("out/preprocessed", pixels)
            item.compare(
                "out/preprocessed_255",
                VQKDPixels.symmetric.prepared(try item.tensor("in/pixels255")))
            item.compare("out/preprocessed_imagenet", VQKDPixels.imageNet.prepared(image))
            item.compare("out/encoder_features", model.encoder.patchFeatures(pixels))
            let (quantized, codes, _) = model.quantize(model.encode(pixels))
            item.compare("out/quantized", quantized)
            item.compare("out/ids", codes)
            item.compare("out/tokens", model.codes(image))
            item.compare("out/reconstruction", model.decode(quantized))

            let teacherPixels = VQKDPixels.forCLIP(pixels)
            item.compare("out/teacher_input", teacherPixels)
            let teacher = try teacher(weights, heads: heads)
            let target = noGrad { teacher.projectedTokens(teacherPixels)[0..., 1...] }
            item.compare("out/teacher_target", target)
            let loss = model.loss(pixels, target: target)
            item.compare("out/quant_loss", loss.quantization.reshaped(1))
            item.compare("out/rec_loss", loss.reconstruction.reshaped(1))
            item.compare("out/total_loss", loss.total.reshaped(1))
            loss.total.backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    /// What the tensors tell, held against what the case says.
    private func vqkdConfig(
        _ settings: ParityConfig, _ weights: [String: Tensor], heads: Int
    ) throws -> VQKD.Config {
        var config = try VQKD.Config(
            inferredFrom: VQKD.own(weights).mapValues(\.shape), heads: heads)
        for (key, transformer) in [("enc", config.encoder), ("dec", config.decoder)] {
            let expected = try settings.object(key)
            #expect(transformer.imageSize == (try expected.int("img_size")))
            #expect(transformer.patchSize == (try expected.int("patch_size")))
            #expect(transformer.channels == (try expected.int("in_chans")))
            #expect(transformer.width == (try expected.int("embed_dim")))
            #expect(transformer.depth == (try expected.int("depth")))
            #expect(transformer.mlpRatio == (try expected.double("mlp_ratio")))
        }
        config.decoder.heads = try settings.object("dec").int("num_heads")
        #expect(config.codeCount == (try settings.int("n_code")))
        #expect(config.codeWidth == (try settings.int("code_dim")))
        #expect(config.teacherWidth == (try settings.int("decoder_out_dim")))
        config.beta = try settings.double("beta")
        config.encoder.normEps = try settings.double("norm_eps")
        config.decoder.normEps = config.encoder.normEps
        return config
    }

    /// The teacher of a case; nothing says how many heads it has but that it is as wide as the
    /// encoder.
    private func teacher(
        _ weights: [String: Tensor], heads: Int
    ) throws -> CLIPVisionTransformer {
        let prefix = "teacher_model.visual."
        var own: [String: Tensor] = [:]
        for (name, tensor) in weights where name.hasPrefix(prefix) {
            own[String(name.dropFirst(prefix.count))] = tensor
        }
        let model = try CLIPVisionTransformer(
            CLIPVisionTransformer.config(inferredFrom: own.mapValues(\.shape), heads: heads),
            embedding: try #require(own["proj"]?.shape.last), generator: nil)
        try model.load(CLIPVisionTransformer.tensors(from: own))
        return model
    }

    @Test(
        "VQ-KD's codes follow the vectors in training",
        arguments: ParityTable.cases("mapet", "vqkd_quantizer"))
    func quantizer(item: ParityCase) throws {
        let settings = try item.config
        let (count, width) = (try settings.int("n_embed"), try settings.int("dim"))
        let model = VectorQuantizer(
            count: count, width: width, decay: try settings.double("decay"),
            beta: try settings.double("beta"), generator: nil)
        try model.load([
            "cluster_size": item.tensor("in/cluster_size0"),
            "embedding.weight": item.tensor("in/codebook0"),
            "embedding.cluster_size": .zeros([count]),
            "embedding.embed_avg": .zeros([count, width]),
            "embedding.initted": .ones([1]),
        ])
        let tolerance = Tolerance.absolute(1e-6)
        func compare(_ step: String, _ state: String, _ z: Tensor, up: Tensor?) {
            let (quantized, codes, loss) = model(z)
            item.compare("out/ids\(step)", codes)
            item.compare("out/zq\(step)", quantized, tolerance: tolerance)
            item.compare("out/loss\(step)", loss.reshaped(1), tolerance: tolerance)
            item.compare("out/codebook\(state)", model.embedding.weight, tolerance: tolerance)
            item.compare("out/cluster_size\(state)", model.clusterSize, tolerance: tolerance)
            if let up { (loss + (quantized * up).sum()).backward() }
        }
        let steps = try item.names("in/up").count
        for step in 0..<steps {
            let z = try item.tensor("in/z\(step)").requiringGrad()
            compare("\(step)", "\(step + 1)", z, up: try item.tensor("in/up\(step)"))
            item.compare("out/dz\(step)", try #require(z.gradient), tolerance: tolerance)
        }
        model.evaluate()
        compare("_eval", "_eval", try item.tensor("in/z_eval"), up: nil)
        item.finish()
    }

    @Test(
        "the first codes of VQ-KD, and Euclidean k-means",
        arguments: ParityTable.cases("mapet", "vqkd_kmeans_init"))
    func kMeans(item: ParityCase) throws {
        let iterations = try item.config.int("iters")
        for (name, start) in [("cos", CodebookStart.cosine), ("l2", .euclidean)] {
            let (means, counts) = start.run(
                try item.tensor("in/samples_\(name)"), from: try item.tensor("in/init_\(name)"),
                iterations: iterations)
            item.compare("out/means_\(name)", means)
            item.compare("out/bins_\(name)", counts)
        }
        item.finish()
    }
}
