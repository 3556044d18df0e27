import Foundation
import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

/// RandAugment: what a magnitude means, what each operation does, how it is drawn.
@Suite("RandAugment equal to the reference") struct RandAugmentParityTests {
    @Test("iBOT's fine-tuning", arguments: ParityTable.cases("ibot", "finetune_augment"))
    func fineTuning(item: ParityCase) throws {
        let config = try item.config
        let settings = try config.object("hparams")
        // The seed of the signs ends the key.
        let keys = try config.keys
        let recorded = try config.object(
            try #require(keys.first { $0.hasPrefix("level_args") }))
        let image = try picture(item, "in/image")
        let names = try config.array("ops").map { try $0.string }
        let operations = try names.map(operation)
        #expect(operations == AugmentOperation.randAugment(increasing: true))
        for (name, operation) in zip(names, operations) {
            let levels = try recorded.object(name)
            for level in try levels.keys {
                let magnitude = try #require(Double(level))
                let values = try levels.array(level).map { try $0.double }
                try expectArgument(
                    operation, magnitude: magnitude,
                    isNegative: isNegative(operation, values.first), levels, level)
            }
        }
        for result in try item.names("out/") where result.contains("_") {
            let words = result.dropFirst(4).split(separator: "_")
            guard let magnitude = Double(words[1]) else { continue }
            let operation = try operation(String(words[0]))
            let levels = try recorded.object(String(words[0]))
            let level = try levels.keys.first { Double($0) == magnitude }
            let values = try level.map { try levels.array($0).map { try $0.double } } ?? []
            let argument = operation.argument(
                magnitude: magnitude, isNegative: isNegative(operation, values.first))
            item.compare(
                result,
                tensor(
                    try apply(
                        operation, argument, to: image, fill: settings.array("img_mean"),
                        settings.string("interpolation"))))
        }
        // Erasing was recorded on a picture of the size that the printed transform makes.
        let printed = try config.array("transform").map { try $0.string }.joined()
        let side = try #require(printed.firstMatch(of: #/size=\((\d+), /#).flatMap { Int($0.1) })
        let erasing = try #require(
            printed.firstMatch(
                of: #/RandomErasing\(p=([\d.]+), mode=(\w+), count=\(1, (\d+)\)\)/#)
        ).output
        let step = RandomErasing(
            probability: try #require(Double(erasing.1)),
            mode: try #require(RandomErasing.Mode(rawValue: String(erasing.2))),
            count: try #require(Int(erasing.3)))
        item.compare("out/erase_area_hist20") { tensor in
            let recorded = tensor.doubles
            let erased = recorded.reduce(0, +)
            let fraction = try config.double("erase_fraction")
            let count = Int((erased / fraction).rounded())
            let areas = draws(10_000) { step.boxes(in: PixelSize(side), random: &$0) }
                .flatMap { $0 }.map { Double($0.size.count) / Double(side * side) }
            return SampleComparison.part(
                Double(areas.count) / 10_000, of: 10_000, near: fraction, recordedCount: count)
                ?? SampleComparison.histogram(
                    histogram(areas, bins: recorded.count, from: 0, to: 0.4), like: recorded)
        }
        item.finish()
    }

    @Test("MaPeT's operations", arguments: ParityTable.cases("mapet", "randaugment_ops"))
    func mapet(item: ParityCase) throws {
        let config = try item.config
        let image = try picture(item, "in/image_u8")
        let magnitude = try config.double("magnitude")
        for result in try item.names("out/") {
            let key = String(result.dropFirst(4))
            let operation = try operation(String(key.dropLast()))
            let argument = try expectArgument(
                operation, magnitude: magnitude, isNegative: key.hasSuffix("-"), config, key)
            item.compare(
                result,
                tensor(
                    try apply(
                        operation, argument, to: image, fill: config.array("fill"), "bicubic")))
        }
        item.finish()
    }

    @Test(
        "operations of MAE's fine-tuning",
        arguments: ParityTable.cases("beyondcls", "aug_randaugment_ops"))
    func beyondcls(item: ParityCase) throws {
        let config = try item.config
        let image = try picture(item, "in/image_u8")
        let recorded = try config.object("args")
        for result in try item.names("out/") {
            let key = String(result.dropFirst(4))
            let operation = try operation(String(key.prefix { $0 != "_" }))
            let argument = try expectArgument(
                operation, magnitude: config.double("level"), isNegative: key.hasSuffix("_neg"),
                recorded, key)
            item.compare(
                result,
                tensor(
                    try apply(
                        operation, argument, to: image, fill: config.array("fill"),
                        config.string("interp"))))
        }
        item.finish()
    }

    @Test(
        "what magnitudes mean", arguments: ParityTable.cases("beyondcls", "aug_level_to_arg"))
    func arguments(item: ParityCase) throws {
        let config = try item.config
        let levels = try range(config.string("levels"))
        for result in try item.names("out/") {
            let operation = try operation(String(result.dropFirst(4)))
            let translation = try config.double("translate_const")
            let arguments = levels.map {
                Float(operation.argument(magnitude: $0, translation: translation))
            }
            item.compare(
                result, Tensor(arguments, shape: [levels.count]), tolerance: .absolute(1e-5))
        }
        item.finish()
    }

    @Test(
        "how it is drawn", arguments: ParityTable.cases("beyondcls", "aug_randaugment_stats"))
    func drawing(item: ParityCase) throws {
        let count = try item.config.int("draws")
        let step = RandAugment(try RandAugmentPolicy("rand-m9-mstd0.5-inc1"))
        let drawn = draws(count) { step.draws(&$0) }
        let magnitudes = drawn.flatMap { $0.map(\.magnitude) }
        let applied = try item.tensor("out/n_applied_hist").doubles
        let recordedCount = Int(applied.enumerated().reduce(0) { $0 + Double($1.0) * $1.1 })
        item.compare("out/n_applied_hist") { recorded in
            let counts = drawn.map { Double($0.count) }
            let bins = recorded.doubles.count
            return SampleComparison.histogram(
                histogram(counts, bins: bins, from: -0.5, to: Double(bins) - 0.5),
                like: recorded.doubles)
        }
        item.compare("out/mag_hist") { recorded in
            SampleComparison.histogram(
                histogram(magnitudes, bins: recorded.count, from: 6.5, to: 10),
                like: recorded.doubles)
        }
        item.compare("out/mag_mean") { recorded in
            SampleComparison.mean(
                magnitudes, near: recorded.item, recordedCount: recordedCount)
        }
        item.compare("out/mag_std") { recorded in
            SampleComparison.deviation(
                magnitudes, near: recorded.item, recordedCount: recordedCount)
        }
        item.compare("out/mag_min") {
            SampleComparison.extreme(magnitudes, near: $0.item, isLeast: true)
        }
        item.compare("out/mag_max") {
            SampleComparison.extreme(magnitudes, near: $0.item, isLeast: false)
        }
        item.finish()
    }

    /// The way that was drawn for a recorded argument: above or below what magnitude 0 means.
    private func isNegative(_ operation: AugmentOperation, _ argument: Double?) -> Bool {
        guard operation.isSigned, let argument else { return false }
        return argument < operation.argument(magnitude: 0)
    }

    /// The operation that the reference calls by the name.
    private func operation(_ name: String) throws -> AugmentOperation {
        let name = name.replacingOccurrences(of: "Rel", with: "Relative")
        let own = name.prefix(1).lowercased() + name.dropFirst()
        return try #require(AugmentOperation(rawValue: own), "\(name) is no known operation")
    }

    /// Compares the argument of a magnitude with the recorded one, to the last bit.
    @discardableResult
    private func expectArgument(
        _ operation: AugmentOperation, magnitude: Double, isNegative: Bool = false,
        _ recorded: ParityConfig, _ key: String
    ) throws -> Double {
        let argument = operation.argument(magnitude: magnitude, isNegative: isNegative)
        for value in try recorded.array(key) {
            #expect(try argument == value.double, "\(key)")
        }
        return argument
    }

    private func apply(
        _ operation: AugmentOperation, _ argument: Double, to image: ImageBuffer,
        fill: [ParityConfig], _ interpolation: String
    ) throws -> ImageBuffer {
        let fill = try fill.map { UInt8(try $0.int) }
        let interpolation = try #require(AffineInterpolation(rawValue: interpolation))
        return edited(image) { operation.apply(argument, to: &$0, interpolation, fill: fill) }
    }

    /// The numbers of "0,0.5,...,10".
    private func range(_ text: String) throws -> [Double] {
        let parts = text.split(separator: ",")
        let first = try #require(Double(parts[0]))
        let second = try #require(Double(parts[1]))
        let last = try #require(parts.last.flatMap { Double($0) })
        return Array(stride(from: first, through: last, by: second - first))
    }
}
