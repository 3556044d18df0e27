import Foundation
import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

/// Whole views for recorded draws, and the statistics of what is drawn.
@Suite("Augmentations equal to the reference") struct AugmentationParityTests {
    @Test("iBOT's views", arguments: ParityTable.cases("ibot", "augmentation_chain"))
    func chain(item: ParityCase) throws {
        let config = try item.config
        let normalization = Normalization(
            mean: try floats(config, "mean"), std: try floats(config, "std"))
        for (index, views) in try config.array("views").enumerated() {
            let image = try picture(item, "in/\(index)/image")
            for (view, operations) in try views.array.enumerated() {
                var result = image
                for operation in try operations.array {
                    result = try apply(operation.array, to: result)
                }
                item.compare(
                    "out/\(index)/view\(view)", try normalized(result, normalization),
                    tolerance: .absolute(1e-6))
            }
        }
        item.finish()
    }

    /// An operation recorded as its name and its arguments; the pictures come from Pillow 13.
    private func apply(_ operation: [ParityConfig], to image: ImageBuffer) throws -> ImageBuffer {
        let name = try operation[0].string
        func number() throws -> Double { try operation[1].double }
        switch name {
        case "resized_crop":
            let sides = try operation[1...4].map { try $0.int }
            let size = try operation[5].array.map { try $0.int }
            let box = CropBox(top: sides[0], left: sides[1], height: sides[2], width: sides[3])
            return image.resized(
                box, width: size[1], height: size[0], interpolation: .bicubic, order: .pillow13)
        case "hflip": return try run(image, [HorizontalFlip(probability: 1)])
        case "brightness": return changed(image, .brightness(try number()))
        case "contrast": return changed(image, .contrast(try number()))
        case "saturation": return changed(image, .saturation(try number()))
        case "hue": return changed(image, .hue(try number()))
        case "grayscale": return changed(image, .grayscale)
        case "blur": return changed(image, .blur(try number()))
        case "solarize": return changed(image, .solarize(try operation[1].int))
        default:
            Issue.record("'\(name)' is no known operation")
            return image
        }
    }

    @Test(
        "how iBOT's rectangles are drawn",
        arguments: ParityTable.cases("ibot", "augmentation_statistics"))
    func statistics(item: ParityCase) throws {
        let config = try item.config
        let size = try config.array("image_wh").map { try $0.int }
        let count = try config.int("draws")
        // The recipes' global crops, those with a wider scale, and local ones.
        let scales = ["glob": [0.25, 1], "glob14": [0.14, 1], "loc": [0.05, 0.25]]
        for group in Set(try item.names("out/").map { String($0.split(separator: "/")[1]) }) {
            let crop = RandomResizedCrop(scale: try #require(scales[group], "\(group)"))
            let boxes = draws(count) { crop.box(height: size[1], width: size[0], random: &$0) }
            let areas = boxes.map { Double($0.size.count) / Double(size[0] * size[1]) }
            let aspects = boxes.map { Double($0.width) / Double($0.height) }
            let sides: [[Double]] = [
                boxes.map { Double($0.top) }, boxes.map { Double($0.left) },
                boxes.map { Double($0.height) }, boxes.map { Double($0.width) },
            ]
            item.compare("out/\(group)/area_hist20") {
                SampleComparison.histogram(
                    histogram(areas, bins: $0.count, from: 0, to: 1), like: $0.doubles)
            }
            item.compare("out/\(group)/aspect_hist20") {
                SampleComparison.histogram(
                    histogram(aspects, bins: $0.count, from: 0.5, to: 1.6), like: $0.doubles)
            }
            item.compare("out/\(group)/area_mean_min_max") {
                let recorded = $0.doubles
                return SampleComparison.mean(areas, near: recorded[0], recordedCount: count)
                    ?? SampleComparison.extreme(areas, near: recorded[1], isLeast: true)
                    ?? SampleComparison.extreme(areas, near: recorded[2], isLeast: false)
            }
            item.compare("out/\(group)/ijhw_mean") { recorded in
                zip(sides, recorded.doubles).lazy.compactMap {
                    SampleComparison.mean($0, near: $1, recordedCount: count)
                }.first
            }
            item.compare("out/\(group)/ijhw_std") { recorded in
                zip(sides, recorded.doubles).lazy.compactMap {
                    SampleComparison.deviation($0, near: $1, recordedCount: count)
                }.first
            }
        }
        item.finish()
    }

    @Test(
        "how rectangles are erased",
        arguments: ParityTable.cases("beyondcls", "aug_random_erasing_stats"))
    func erasing(item: ParityCase) throws {
        let config = try item.config
        let side = try config.int("size")
        var step = RandomErasing(probability: try config.double("prob"))
        step.area = [try config.double("min_area"), try config.double("max_area")]
        step.aspect = try config.array("aspect").map { try $0.double }
        let drawn = draws(10_000) { step.boxes(in: PixelSize(side), random: &$0) }
        let boxes = drawn.flatMap { $0 }
        let areas = boxes.map { Double($0.size.count) / Double(side * side) }
        let aspects = boxes.map { log(Double($0.height) / Double($0.width)) }
        let erased = Int(try item.tensor("out/area_hist").doubles.reduce(0, +))
        item.compare("out/hit_rate") {
            SampleComparison.part(
                Double(drawn.filter { !$0.isEmpty }.count) / 10_000, of: 10_000, near: $0.item,
                recordedCount: Int((Double(erased) / $0.item).rounded()))
        }
        item.compare("out/area_hist") {
            SampleComparison.histogram(
                histogram(areas, bins: $0.count, from: 0, to: 0.4), like: $0.doubles)
        }
        item.compare("out/area_mean") {
            SampleComparison.mean(areas, near: $0.item, recordedCount: erased)
        }
        item.compare("out/area_min") {
            SampleComparison.extreme(areas, near: $0.item, isLeast: true)
        }
        item.compare("out/area_max") {
            SampleComparison.extreme(areas, near: $0.item, isLeast: false)
        }
        item.compare("out/logasp_hist") {
            SampleComparison.histogram(
                histogram(aspects, bins: $0.count, from: -1.5, to: 1.5), like: $0.doubles)
        }
        item.compare("out/logasp_mean") {
            SampleComparison.mean(aspects, near: $0.item, recordedCount: erased)
        }
        item.compare("out/logasp_std") {
            SampleComparison.deviation(aspects, near: $0.item, recordedCount: erased)
        }
        item.finish()
    }

    @Test("how MaPeT's fine-tuning draws")
    func mapet() throws {
        guard let recorded = try ParityFolder.inUse.json("mapet/augmentation_statistics.json")
        else {
            print("mapet/augmentation_statistics.json: not in this folder, not compared")
            return
        }
        func expect(_ problem: String?, _ key: String) { #expect(problem == nil, "\(key)") }
        let augment = try recorded.object("randaugment")
        let count = try augment.int("images")
        let step = RandAugment(try RandAugmentPolicy(augment.string("policy")))
        let drawn = draws(count) { step.draws(&$0) }.flatMap { $0 }
        let perOperation = try augment.object("applied_per_op")
        let names = try perOperation.keys
        #expect(names.count == AugmentOperation.randAugment(increasing: false).count)
        let counts = try names.map { name in
            let own =
                name.prefix(1).lowercased()
                + name.dropFirst()
                .replacingOccurrences(of: "Rel", with: "Relative")
            let operation = try #require(AugmentOperation(rawValue: own), "\(name)")
            return Double(drawn.filter { $0.operation == operation }.count)
        }
        let recordedCounts = try names.map { try perOperation.double($0) }
        let total = Int(recordedCounts.reduce(0, +))
        expect(SampleComparison.histogram(counts, like: recordedCounts), "applied_per_op")
        let magnitudes = drawn.map(\.magnitude)
        expect(
            SampleComparison.mean(
                magnitudes, near: try augment.double("mean_magnitude"), recordedCount: total),
            "mean_magnitude")
        expect(
            SampleComparison.deviation(
                magnitudes, near: try augment.double("std_magnitude"), recordedCount: total),
            "std_magnitude")
        expect(
            SampleComparison.part(
                Double(magnitudes.filter { $0 == 10 }.count) / Double(magnitudes.count),
                of: magnitudes.count, near: try augment.double("frac_at_cap10"),
                recordedCount: total), "frac_at_cap10")

        let erasing = try recorded.object("random_erasing")
        let (pictures, erased) = (try erasing.int("images"), try erasing.int("erased"))
        let eraser = RandomErasing(probability: try erasing.double("prob"))
        // The least and the greatest recorded area are those of a picture of 32 pixels.
        let side = 32
        let boxes = draws(pictures) { eraser.boxes(in: PixelSize(side), random: &$0) }
            .flatMap { $0 }
        let areas = boxes.map { Double($0.size.count) / Double(side * side) }
        let aspects = boxes.map { log(Double($0.height) / Double($0.width)) }
        expect(
            SampleComparison.part(
                Double(boxes.count) / Double(pictures), of: pictures,
                near: Double(erased) / Double(pictures), recordedCount: pictures), "erased")
        expect(
            SampleComparison.mean(
                areas, near: try erasing.double("area_mean"), recordedCount: erased), "area_mean")
        for (key, isLeast) in [("area_min", true), ("area_max", false)] {
            expect(
                SampleComparison.extreme(areas, near: try erasing.double(key), isLeast: isLeast),
                key)
        }
        expect(
            SampleComparison.mean(
                aspects, near: try erasing.double("aspect_logmean"), recordedCount: erased),
            "aspect_logmean")
        expect(
            SampleComparison.deviation(
                aspects, near: try erasing.double("aspect_logstd"), recordedCount: erased),
            "aspect_logstd")
    }
}
