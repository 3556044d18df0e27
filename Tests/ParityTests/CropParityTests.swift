import Foundation
import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

extension RandomResizedCrop {
    /// The rectangle that recorded draws make, all of which must be used.
    func box(height: Int, width: Int, replaying draws: [Double]) -> CropBox {
        var numbers = draws.makeIterator()
        let box = box(height: height, width: width, random: &numbers) { _, numbers in
            numbers.next() ?? .nan
        } offset: { room, numbers in
            let drawn = Int(numbers.next() ?? -1)
            #expect((0...room).contains(drawn))
            return drawn
        }
        #expect(numbers.next() == nil)
        return box
    }
}

/// Rectangles and sizes of pictures: as drawn, and for recorded draws.
@Suite("Crops equal to the reference") struct CropParityTests {
    @Test("for recorded draws", arguments: ParityTable.cases("mapet", "random_resized_crop"))
    func recordedDraws(item: ParityCase) throws {
        var boxes: [Int] = []
        let cases = try item.config.array("cases")
        for recorded in cases {
            let numbers = try recorded.array("draws").map { try $0.double }
            let crop = RandomResizedCrop(scale: try recorded.array("scale").map { try $0.double })
            let size = try recorded.array("size_wh").map { try $0.int }
            let box = crop.box(height: size[1], width: size[0], replaying: numbers)
            boxes += [box.top, box.left, box.height, box.width]
        }
        item.compare("out/ijhw", Tensor(boxes, shape: [cases.count, 4]))
        item.finish()
    }

    @Test("how rectangles are drawn", arguments: ParityTable.cases("beyondcls", "aug_crop_stats"))
    func statistics(item: ParityCase) throws {
        let config = try item.config
        let (count, size) = (try config.int("draws"), try config.array("image_h_w"))
        let (height, width) = (try size[0].int, try size[1].int)
        // The scale is that of each recipe; in the names it has lost its point.
        let leastParts = [
            "mae_pretrain_02_1": 0.2, "mae_linprobe_08_1": 0.08, "timm_finetune_08_1": 0.08,
            "simmim_067_1": 0.67,
        ]
        let samplers = try Set(item.names("out/").map { String($0.split(separator: "/")[1]) })
        for sampler in samplers.sorted() {
            let scale = try #require(leastParts[sampler], "\(sampler)")
            let crop = RandomResizedCrop(
                scale: [scale, 1], form: sampler.contains("linprobe") ? .clamped : .torchvision)
            let boxes = draws(count) { crop.box(height: height, width: width, random: &$0) }
            let facts: [(String, String, [Double])] = [
                (
                    "areafrac", "areafrac",
                    boxes.map { Double($0.size.count) / Double(height * width) }
                ),
                (
                    "logaspect", "logaspect_w_over_h",
                    boxes.map { log(Double($0.width) / Double($0.height)) }
                ),
                ("top", "top", boxes.map { Double($0.top) }),
                ("left", "left", boxes.map { Double($0.left) }),
            ]
            for (key, name, values) in facts {
                let range = try config.object("hist_ranges").array(key).map { try $0.double }
                item.compare("out/\(sampler)/\(name)_hist20") { recorded in
                    SampleComparison.histogram(
                        histogram(values, bins: recorded.count, from: range[0], to: range[1]),
                        like: recorded.doubles)
                }
                item.compare("out/\(sampler)/\(name)_mean_std_min_max") { recorded in
                    moments(values, recorded.doubles, recordedCount: count)
                }
            }
            item.compare("out/\(sampler)/full_image_fraction") { recorded in
                let whole = boxes.filter { $0.height == height && $0.width == width }.count
                return SampleComparison.part(
                    Double(whole) / Double(count), of: count, near: recorded.item,
                    recordedCount: count)
            }
        }
        item.finish()
    }

    /// Mean, standard deviation, least and greatest value.
    private func moments(
        _ values: [Double], _ recorded: [Double], recordedCount: Int
    ) -> String? {
        SampleComparison.mean(values, near: recorded[0], recordedCount: recordedCount)
            ?? SampleComparison.deviation(
                values, near: recorded[1], recordedCount: recordedCount)
            ?? SampleComparison.extreme(values, near: recorded[2], isLeast: true)
            ?? SampleComparison.extreme(values, near: recorded[3], isLeast: false)
    }

    @Test(
        "featurenorm's validation pictures",
        arguments: ParityTable.cases("featurenorm", "center_crop_resize"))
    func centeredResize(item: ParityCase) throws {
        for name in try item.names("in/image") {
            let index = name.dropFirst(8)
            let image = try picture(item, name)
            let side = Int(try item.tensor("in/size\(index)").item)
            let box = CenteredResize.box(in: image.size)
            // Recorded as left, top, right, bottom.
            item.compare(
                "out/box\(index)",
                Tensor([box.left, box.top, box.left + box.width, box.top + box.height]))
            item.compare(
                "out/pil\(index)",
                tensor(
                    try run(image, [CenteredResize(size: PixelSize(side))], order: .pillow13)))
            // Maps of depth are cut first; the reference's were a hundredth of the pixels.
            let map = tensor(image.cropped(to: box)).to(dtype: .float32) * 0.01
            let resized = map.permuted(2, 0, 1).unsqueezed(0)
                .resizedBilinear(height: side, width: side)
            item.compare("out/torch\(index)", resized.squeezed(0), tolerance: .absolute(1e-4))
        }
        item.finish()
    }

    @Test(
        "featurenorm's random sizes, pixels",
        arguments: ParityTable.cases("featurenorm", "random_resize"))
    func randomResize(item: ParityCase) throws {
        let config = try item.config
        let step = RandomResize(
            minSide: try config.int("min_side_length"), maxSide: try config.int("max_side_length"),
            multiple: try config.int("multiple_of"), maxPixels: try config.int("max_num_pixels"))
        for name in try item.names("in/image") {
            let index = name.dropFirst(8)
            let image = try picture(item, name)
            let sides = step.sides(for: image.size)
            item.compare(
                "out/randint_range\(index)", Tensor([sides.lowerBound, sides.upperBound]))
            let side = Int(try item.tensor("in/side\(index)").item)
            let size = step.size(for: image.size, side: side)
            let resized = image.resized(
                width: size.width, height: size.height, interpolation: step.interpolation,
                order: .pillow13)
            item.compare("out/resized\(index)", tensor(resized))
        }
        item.finish()
    }

    @Test(
        "featurenorm's random sizes for recorded draws",
        arguments: ParityTable.cases("featurenorm", "random_resize_sizes"))
    func randomSizes(item: ParityCase) throws {
        let columns = try item.config.array("columns").map { try $0.string }
        let table = try item.tensor("out/table").values(as: Int.self)
        var found: [Int] = []
        for start in stride(from: 0, to: table.count, by: columns.count) {
            var row = Dictionary(
                uniqueKeysWithValues: zip(columns, table[start..<start + columns.count]))
            let value = { (name: String) in try #require(row[name]) }
            let step = RandomResize(
                minSide: try value("min_side"), maxSide: try value("max_side"),
                multiple: try value("multiple_of"), maxPixels: try value("max_num_pixels"))
            let picture = PixelSize(height: try value("in_h"), width: try value("in_w"))
            let size = step.size(for: picture, side: try value("sampled_side"))
            (row["new_w"], row["new_h"]) = (size.width, size.height)
            row["rng_was_called"] = step.sides(for: picture).count > 1 ? 1 : 0
            found += try columns.map { try #require(row[$0]) }
        }
        item.compare(
            "out/table", Tensor(found, shape: [found.count / columns.count, columns.count]))
        item.finish()
    }

    @Test(
        "how featurenorm's sizes are drawn",
        arguments: ParityTable.cases("featurenorm", "random_resize_stats"))
    func randomSizeStatistics(item: ParityCase) throws {
        let config = try item.config
        let count = try config.int("draws")
        let picture = PixelSize(height: try config.int("h"), width: try config.int("w"))
        let step = RandomResize(
            minSide: try config.int("min_side_length"), maxSide: try config.int("max_side_length"),
            multiple: try config.int("multiple_of"), maxPixels: try config.int("max_num_pixels"))
        var frequencies: [[Int]: Double] = [:]
        for size in draws(count, { step.drawSize(for: picture, random: &$0) }) {
            frequencies[[size.width, size.height], default: 0] += 1
        }
        let sizes = frequencies.keys.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
        item.compare("out/sizes_wh", Tensor(sizes.flatMap { $0 }, shape: [sizes.count, 2]))
        item.compare("out/freq") { recorded in
            SampleComparison.histogram(
                sizes.map { frequencies[$0] ?? 0 },
                like: recorded.doubles.map { $0 * Double(count) })
        }
        item.finish()
    }
}
