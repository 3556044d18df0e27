import Checkpoints
import NN
import TensorFiles
import TestSupport
import Testing
import Tokenizers
import Torch
import VisionModels

/// Recorded files of tokenizers: whole models, codebooks and codes.
@Suite("Files of tokenizers") struct TokenizerFileTests {
    /// A recorded file and the JSON that describes it; nil where the folder in use lacks them.
    private func recorded(
        _ file: String, _ json: String
    ) throws -> (path: String, about: ParityConfig)? {
        let folder = "mapet/checkpoints"
        guard let path = ParityFolder.inUse.file("\(folder)/\(file)"),
            let about = try ParityFolder.inUse.json("\(folder)/\(json)")
        else {
            print("\(folder)/\(file): not in \(ParityFolder.inUse.path), not compared")
            return nil
        }
        return (path, about)
    }

    private func picture(_ about: ParityConfig) throws -> Tensor {
        Tensor(
            try about.array("input").map { Float(try $0.double) },
            shape: try about.array("input_shape").map { try $0.int })
    }

    private func tensors(
        _ path: String, under keys: [String] = []
    ) throws -> [String: Tensor] {
        Dictionary(
            try CheckpointFile(path: path).tensors(under: keys)
                .map { ($0.name, try Tensor($0.tensor)) }, uniquingKeysWith: { $1 })
    }

    @Test("DALL-E's encoder, a pickled module, is read without running it")
    func dalle() throws {
        guard let (path, about) = try recorded("dalle_encoder.pkl", "dalle_encoder.json") else {
            return
        }
        let loaded = try TokenizerLoader().load(path)
        #expect(loaded.family.name == "dalle" && loaded.report.isComplete)
        let model = try #require(loaded.model as? DALLEEncoder)
        let config = model.config
        #expect(config.width == (try about.int("n_hid")))
        #expect(config.blocksPerGroup == (try about.int("n_blk_per_group")))
        #expect(config.codeCount == (try about.int("vocab_size")))
        let expected = try about.array("tokens").flatMap { picture in
            try picture.array.flatMap { row in try row.array.map { try $0.int } }
        }
        // The recorded picture went into the network itself, without the map of its pixels.
        let logits = try noGrad { model(try picture(about)) }
        #expect(logits.argmax(1).values(as: Int.self) == expected)
    }

    @Test("VQ-KD with tensors that are not its own")
    func vqkd() throws {
        guard let (path, about) = try recorded("vqkd.pth", "vqkd.json") else { return }
        let keys = try about.array("top_level").map { try $0.string }
        let all = try tensors(path, under: Array(keys.prefix(1)))
        let weights = VQKD.own(all)
        let dropped = try about.array("drop_prefixes").map { try $0.string }
        let others = all.keys.filter { weights[$0] == nil }
        #expect(others.allSatisfy { name in dropped.contains { name.hasPrefix($0) } })
        let encoder = try about.object("encoder")
        let loaded = try TokenizerLoader(.init(heads: encoder.int("heads"))).load(path)
        #expect(loaded.family.name == "vqkd" && loaded.report.isComplete)
        #expect(Set(loaded.report.unused.flatMap(\.names)) == Set(others))
        let model = try #require(loaded.model as? VQKD)
        let config = model.config
        #expect(config.encoder.imageSize == (try encoder.int("img")))
        #expect(config.decoder.grid.rows == (try about.object("decoder").int("grid")))
        #expect(config.codeCount == (try about.int("n_code")))
        let expected = try about.array("tokens").flatMap { try $0.array.map { try $0.int } }
        #expect(model.codes(try picture(about)).values(as: Int.self) == expected)
    }

    @Test("a codebook as a NumPy array and as a Faiss index")
    func codebook() throws {
        guard let (path, about) = try recorded("codebook_centroids_320_16.npy", "codebook.json"),
            let (index, _) = try recorded("codebook_index_320_16.npy", "codebook.json")
        else { return }
        let centroids = try about.object("centroids")
        let codes = try Tensor(NumpyFile(path: path).tensor)
        #expect(codes.shape == (try centroids.array("shape").map { try $0.int }))
        let sum = codes.to(dtype: .float64).sum().item
        #expect(abs(sum - (try centroids.double("sum"))) < 1e-9 * abs(sum))
        let row = try centroids.array("row0").map { Float(try $0.double) }
        #expect(codes[0].values(as: Float.self) == row)
        let file = try FaissIndexFile(path: index)
        #expect(file.metric == .euclidean)
        expect(try Tensor(file.vectors), closeTo: codes, .exact)
    }

    @Test(
        "bare tensors of features and codes",
        arguments: [
            ("codebook_patches320_it100.pth", "features"),
            ("k_means_processed_imagenet_8192_val.pth", "kclip_codes"),
            (
                "1_imagenet_codes_codebook-size-8192_batchindex-500_bsize-16_val.pth",
                "vqkd_codes"
            ),
        ])
    func codes(file: String, key: String) throws {
        guard let (path, about) = try recorded(file, "codes.json") else { return }
        let expected = try about.object(key)
        let record = try #require(try CheckpointFile(path: path).tensors().first).tensor
        let tensor = try Tensor(record)
        #expect(tensor.shape == (try expected.array("shape").map { try $0.int }))
        #expect(tensor.dtype.description == (try expected.string("dtype")))
        let sum = tensor.to(dtype: .float64).sum().item
        #expect(abs(sum - (try expected.double("sum"))) <= 1e-9 * abs(sum))
    }
}
