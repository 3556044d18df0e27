import Foundation
import Imaging
import TensorFiles
import TestSupport
import Testing

@testable import Data

/// Rectangles drawn by us against the recorded statistics of the references' samplers.
@Suite("Statistics of random crops") struct CropStatisticsTests {
    static let file = ParityFolder.inUse.file("beyondcls/aug_crop_stats.safetensors")

    /// Moments of 10,000 rectangles within four standard errors of the recorded ones.
    @Test(
        .enabled(if: file != nil, "the recorded cases lack beyondcls/aug_crop_stats"),
        arguments: [
            ("mae_pretrain_02_1", RandomResizedCrop(scale: [0.2, 1])),
            ("mae_linprobe_08_1", RandomResizedCrop(scale: [0.08, 1], form: .clamped)),
            ("simmim_067_1", RandomResizedCrop(scale: [0.67, 1])),
            // timm's sampler differs from torchvision's in its source of numbers alone.
            ("timm_finetune_08_1", RandomResizedCrop(scale: [0.08, 1])),
        ])
    func rectanglesAreDistributedAsRecorded(name: String, crop: RandomResizedCrop) throws {
        struct Config: Decodable {
            var image_h_w: [Int]
            var draws: Int
        }
        let recorded = try SafeTensorsFile(path: try #require(Self.file))
        let text = recorded.metadata["config"] ?? ""
        let config = try JSONDecoder().decode(Config.self, from: Foundation.Data(text.utf8))
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
            let moments = try recorded.tensor("out/\(name)/\(fact)_mean_std_min_max").doubles()
            let count = Double(config.draws)
            let mean = values.reduce(0, +) / count
            let std = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
            // Both sides are samples: the difference of two means.
            let error = moments[1] * (2 / count).squareRoot()
            #expect(abs(mean - moments[0]) <= 4 * error, "\(fact)")
            #expect(abs(std - moments[1]) <= 4 * error, "\(fact)")
        }
        let whole = boxes.filter { $0.height == height && $0.width == width }.count
        let expected = try recorded.tensor("out/\(name)/full_image_fraction").doubles()[0]
        let spread = max((2 * expected * (1 - expected) / Double(config.draws)).squareRoot(), 1e-4)
        #expect(abs(Double(whole) / Double(config.draws) - expected) <= 4 * spread)
    }
}
