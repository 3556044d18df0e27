import Foundation
import Imaging
import TensorFiles
import Testing
import Torch

@testable import Data

/// Crops, normalised pictures and masks equal to recorded ones; all numbers are the case files'.
@Suite("Recorded data cases") struct RecordedPictureTests {
    @Test(.enabled(if: RecordedCase.exists("beyondcls", "aug_resized_crop"), "no case file"))
    func normalisedCrops() throws {
        struct Config: Decodable {
            struct Box: Decodable {
                var top: Int
                var left: Int
                var height: Int
                var width: Int
                var hflip: Bool
                var size: Int
            }
            var boxes: [Box]
            var mean: [Float]
            var std: [Float]
        }
        let recorded = try RecordedCase("beyondcls", "aug_resized_crop")
        let config = try recorded.config(Config.self)
        #expect(!config.boxes.isEmpty)
        for (index, box) in config.boxes.enumerated() {
            // The recorded bytes: the resize itself is compared in ImagingTests.
            let picture = try recorded.image("out/bicubic\(index)_u8")
            #expect(picture.width == box.size)
            var runner = PipelineRunner(
                ImagePipeline(
                    [.centerCrop(CenterCrop(size: box.size))], channels: picture.channels,
                    normalization: Normalization(mean: config.mean, std: config.std)))
            var values = [Float](repeating: .nan, count: picture.byteCount)
            var random = CounterRandom(seed: 0, purpose: .augmentation)
            try values.withUnsafeMutableBufferPointer {
                try runner.write(picture, random: &random, to: $0)
            }
            let expected = try recorded.file.tensor("out/bicubic\(index)_tensor").doubles()
            #expect(expected.count == values.count)
            let largest = zip(values, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
            #expect(largest <= 1e-6)
        }
    }

    @Test(
        .enabled(if: RecordedCase.exists("beyondcls", "aug_linprobe_crop_params"), "no case file"))
    func linearProbeRectangles() throws {
        struct Config: Decodable { var images_h_w: [[Int]] }
        let recorded = try RecordedCase("beyondcls", "aug_linprobe_crop_params")
        let sizes = try recorded.config(Config.self).images_h_w
        #expect(!sizes.isEmpty)
        for (index, size) in sizes.enumerated() {
            let draws = try recorded.file.tensor("in/areafrac_aspect\(index)").doubles()
            let boxes = try recorded.file.tensor("out/top_left_h_w\(index)").doubles().map(Int.init)
            #expect(draws.count / 2 == boxes.count / 4 && !draws.isEmpty)
            for row in 0..<draws.count / 2 {
                let free = RandomResizedCrop.boxSize(
                    areaFraction: draws[2 * row], aspect: draws[2 * row + 1], height: size[0],
                    width: size[1])
                let (height, width) = (min(free.height, size[0]), min(free.width, size[1]))
                #expect([height, width] == Array(boxes[4 * row + 2..<4 * row + 4]))
                #expect((0...size[0] - height).contains(boxes[4 * row]))
                #expect((0...size[1] - width).contains(boxes[4 * row + 1]))
            }
        }
    }

    @Test(.enabled(if: RecordedCase.exists("beyondcls", "mae_random_masking"), "no case file"))
    func randomMasks() throws {
        struct Config: Decodable { var cases_L_ratio_lenkeep: [[Double]] }
        let recorded = try RecordedCase("beyondcls", "mae_random_masking")
        let cases = try recorded.config(Config.self).cases_L_ratio_lenkeep
        #expect(!cases.isEmpty)
        for (index, entry) in cases.enumerated() {
            let noise = try recorded.file.tensor("in/noise\(index)")
            let mask = RandomMask(
                noise: Tensor(noise.doubles().map(Float.init), shape: noise.shape), ratio: entry[1])
            #expect(mask.kept.shape == [noise.shape[0], Int(entry[2])])
            #expect(mask.gapCount == Int(entry[0]) - Int(entry[2]))
            for (name, tensor) in [
                ("ids_keep", mask.kept), ("mask", mask.dropped), ("ids_restore", mask.restore),
            ] {
                let expected = try recorded.file.tensor("out/\(name)\(index)")
                #expect(tensor.shape == expected.shape)
                #expect(tensor.values(as: Double.self) == expected.doubles())
            }
        }
    }

    /// Moments of 10,000 rectangles within four standard errors of the recorded ones.
    @Test(
        .enabled(if: RecordedCase.exists("beyondcls", "aug_crop_stats"), "no case file"),
        arguments: [
            ("mae_pretrain_02_1", RandomResizedCrop(scale: [0.2, 1])),
            ("mae_linprobe_08_1", RandomResizedCrop(scale: [0.08, 1], form: .clamped)),
            ("simmim_067_1", RandomResizedCrop(scale: [0.67, 1])),
        ])
    func rectanglesAreDistributedAsRecorded(name: String, crop: RandomResizedCrop) throws {
        struct Config: Decodable {
            var image_h_w: [Int]
            var draws: Int
        }
        let recorded = try RecordedCase("beyondcls", "aug_crop_stats")
        let config = try recorded.config(Config.self)
        let (height, width) = (config.image_h_w[0], config.image_h_w[1])
        let boxes = (0..<config.draws).map { sample in
            var random = CounterRandom(seed: 2024, purpose: .augmentation, sample: sample)
            return crop.box(height: height, width: width, random: &random)
        }
        let facts: [(String, (CropBox) -> Double)] = [
            ("areafrac", { Double($0.height * $0.width) / Double(height * width) }),
            ("logaspect_w_over_h", { log(Double($0.width) / Double($0.height)) }),
            ("top", { Double($0.top) }), ("left", { Double($0.left) }),
        ]
        for (fact, value) in facts {
            let values = boxes.map(value)
            let moments = try recorded.file.tensor("out/\(name)/\(fact)_mean_std_min_max").doubles()
            let count = Double(config.draws)
            let mean = values.reduce(0, +) / count
            let std = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
            // Both sides are samples: the difference of two means.
            let error = moments[1] * (2 / count).squareRoot()
            #expect(abs(mean - moments[0]) <= 4 * error, "\(fact)")
            #expect(abs(std - moments[1]) <= 4 * error, "\(fact)")
        }
        let whole = boxes.filter { $0.height == height && $0.width == width }.count
        let expected = try recorded.file.tensor("out/\(name)/full_image_fraction").doubles()[0]
        let spread = max((2 * expected * (1 - expected) / Double(config.draws)).squareRoot(), 1e-4)
        #expect(abs(Double(whole) / Double(config.draws) - expected) <= 4 * spread)
    }
}

/// A case file of the folder of recorded cases.
struct RecordedCase {
    let file: SafeTensorsFile

    init(_ family: String, _ name: String) throws {
        file = try SafeTensorsFile(path: Self.path(family, name))
    }

    static func exists(_ family: String, _ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(family, name))
    }

    private static func path(_ family: String, _ name: String) -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let shared = root.deletingLastPathComponent().appendingPathComponent("shared/parity").path
        let folder =
            ProcessInfo.processInfo.environment["TESSERA_PARITY"]
            ?? (FileManager.default.fileExists(atPath: shared)
                ? shared : root.appendingPathComponent("Tests/Parity/cases").path)
        return "\(folder)/\(family)/\(name).safetensors"
    }

    func config<T: Decodable>(_ type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Foundation.Data((file.metadata["config"] ?? "").utf8))
    }

    func image(_ name: String) throws -> ImageBuffer {
        let record = try file.tensor(name)
        return ImageBuffer(
            width: record.shape[1], height: record.shape[0], channels: record.shape[2],
            pixels: record.contiguousBytes())
    }
}
