import Data
import Imaging
import TensorFiles
import TestSupport
import Testing
import Torch

/// Pictures and depths from tar shards, in batches, as the reference made them.
@Suite("Shards equal to the reference") struct SourceParityTests {
    @Test(
        "pictures and labels of a shard",
        arguments: ParityTable.cases("featurenorm", "validation_dataloader"))
    func pictures(item: ParityCase) throws {
        let config = try item.config
        let shard = try Shard(config, item)
        #expect(try config.string("label_column_name") == "cls")
        let batches = try shard.batches(of: config.int("batch_size"))
        item.compare("out/num_batches", Tensor([batches.count], shape: []))
        let registers = try config.int("num_register_tokens")
        for (number, batch) in batches.enumerated() {
            let labels = try batch.map { try #require(shard.source.label(at: $0)) }
            item.compare("out/labels\(number)", Tensor(labels))
            try shard.comparePatches(of: batch, number, registers: registers)
        }
        item.finish()
    }

    @Test(
        "pictures and depths of a shard",
        arguments: ParityTable.cases("featurenorm", "depth_dataloader"))
    func depths(item: ParityCase) throws {
        let config = try item.config
        let shard = try Shard(config, item)
        let ending = try config.string("depth_column_name")
        for (number, batch) in try shard.batches(of: config.int("batch_size")).enumerated() {
            try shard.comparePatches(of: batch, number, registers: 0)
            let depths = try batch.map { index in
                let bytes = try #require(try shard.source.member(ending, at: index))
                return try shard.depth(bytes, name: shard.source.name(at: index))
            }
            item.compare(
                "out/depth\(number)", concatenated(depths, 0), tolerance: .absolute(1e-5))
        }
        item.finish()
    }
}

/// A recorded shard and what the case makes of its pictures.
private struct Shard {
    let source: TarSource
    let item: ParityCase
    let column: String
    let side: Int
    let patch: Int

    init(_ config: ParityConfig, _ item: ParityCase) throws {
        let path = "\(item.family)/\(try config.string("tar"))"
        source = try TarSource([try #require(ParityFolder.inUse.file(path), "no \(path)")])
        #expect(source.notes.isEmpty)
        self.item = item
        column = try config.string("image_column_name")
        side = try config.int("image_size")
        patch = try config.int("patch_size")
    }

    /// All pictures in order, the last batch as it is.
    func batches(of size: Int) -> [[Int]] {
        stride(from: 0, to: source.count, by: size).map {
            Array($0..<min($0 + size, source.count))
        }
    }

    /// The square in the middle of a picture, offsets rounded down.
    private func square(_ height: Int, _ width: Int) -> CropBox {
        let short = min(height, width)
        return CropBox(
            top: (height - short) / 2, left: (width - short) / 2, height: short, width: short)
    }

    /// Tokens of `[registers + patches, patch · patch · 3]` and their `[sample, register, h, w]`.
    func comparePatches(of batch: [Int], _ number: Int, registers: Int) throws {
        let grid = side / patch
        let size = patch * patch * 3
        var resampler = Resampler()
        var resized = ImageBuffer()
        var pixels: [UInt8] = []
        var ids: [Int] = []
        for index in batch {
            let bytes = try #require(try source.member(column, at: index))
            let image = try ImageDecoder().decode(bytes, name: source.name(at: index))
                .converted(toChannels: 3)
            resampler.resize(
                image, within: square(image.height, image.width), width: side, height: side,
                interpolation: .bilinear, into: &resized)
            pixels += [UInt8](repeating: 0, count: registers * size)
            for register in 0..<registers { ids += [0, register, 0, 0] }
            for row in 0..<grid {
                for column in 0..<grid {
                    let box = CropBox(
                        top: row * patch, left: column * patch, height: patch, width: patch)
                    pixels += resized.cropped(to: box).pixels
                    ids += [0, -100, row, column]
                }
            }
        }
        let tokens = registers + grid * grid
        item.compare(
            "out/pixel_values\(number)", Tensor(pixels, shape: [batch.count, tokens, size]))
        item.compare("out/token_ids\(number)", Tensor(ids, shape: [batch.count, tokens, 4]))
    }

    /// A depth map cut to its square and resized, `[1, S, S]`.
    func depth(_ bytes: [UInt8], name: String) throws -> Tensor {
        let record = try NumpyFile(path: name, contents: ByteSlice(copying: bytes)).tensor
        #expect(record.elementType.torchName == "float32")
        let map = record.withContiguousBytes {
            Tensor(bytes: $0, shape: record.shape, dtype: .float32)
        }
        let box = square(map.shape[0], map.shape[1])
        let cut = map[box.top..<box.top + box.height, box.left..<box.left + box.width]
        return cut.unsqueezed(0).unsqueezed(0).resizedBilinear(height: side, width: side)[0]
    }
}
