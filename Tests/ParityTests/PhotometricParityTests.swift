import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

/// Operations on pixels, to the bit, through the code that the steps run.
@Suite("Picture operations equal to the reference") struct PhotometricParityTests {
    /// The pictures of iBOT and StoP were recorded with Pillow 13, MaPeT's with Pillow 9.3.
    private static let order = PassOrder.pillow13

    @Test("operations of iBOT's views", arguments: ParityTable.cases("ibot", "image_ops"))
    func operations(item: ParityCase) throws {
        let image = try picture(item, "in/image")
        for name in try item.names("out/") {
            let words = name.dropFirst(4).split(separator: "_").map(String.init)
            let number = Double(words.last ?? "")
            let result: ImageBuffer
            switch (words[0], number) {
            case ("brightness", let factor?): result = changed(image, .brightness(factor))
            case ("contrast", let factor?): result = changed(image, .contrast(factor))
            case ("saturation", let factor?): result = changed(image, .saturation(factor))
            case ("hue", let turns?): result = changed(image, .hue(turns))
            case ("blur", let sigma?): result = changed(image, .blur(sigma))
            case ("grayscale3", _): result = changed(image, .grayscale)
            case ("hflip", _):
                result = try run(image, [HorizontalFlip(probability: 1)])
            case ("thumbnail", let side?):
                let filter = try #require(Interpolation(rawValue: words[1]))
                result = image.thumbnail(side: Int(side), interpolation: filter, order: Self.order)
            case ("resize", let side?) where words[1] == "crop":
                let short = try #require(Int(words[2]))
                result = try run(
                    image,
                    [Resize(size: PixelSize(short)), CenterCrop(size: PixelSize(Int(side)))],
                    order: Self.order)
            case ("resize", _) where words[1] == "square":
                let size = try size(of: item, name)
                result = try run(image, [Resize(size: size, fit: .exact)], order: Self.order)
            case ("resize", let side?):
                let filter = try #require(Interpolation(rawValue: words[1]))
                result = try run(
                    image, [Resize(size: PixelSize(Int(side)), interpolation: filter)],
                    order: Self.order)
            case ("centercrop", _):
                result = try run(image, [CenterCrop(size: try size(of: item, name))])
            case ("resized", let index?):
                let filter = try #require(Interpolation(rawValue: words[2]))
                let box = try recordedBox(item, Int(index))
                let size = try size(of: item, name)
                result = image.resized(
                    box, width: size.width, height: size.height, interpolation: filter,
                    order: Self.order)
            case ("normalized", _):
                let shape = try item.tensor(name).shape
                result = image.resized(
                    try recordedBox(item, 0), width: shape[2], height: shape[1],
                    interpolation: .bicubic, order: Self.order)
                item.compare(
                    name, try normalized(result, .imageNet), tolerance: .absolute(1e-6))
                continue
            default:
                let threshold = try #require(
                    words[0].hasPrefix("solarize") ? Int(words[0].dropFirst(8)) : nil,
                    "\(name) is no known operation")
                result = changed(image, .solarize(threshold))
            }
            item.compare(name, tensor(result))
        }
        item.finish()
    }

    private func recordedBox(_ item: ParityCase, _ index: Int) throws -> CropBox {
        let config = try item.config
        let key = try #require(config.keys.first { $0.hasPrefix("crops_ijhw") })
        return try box(config.array(key)[index])
    }

    @Test("patches in another order and hidden", arguments: ParityTable.cases("ibot", "patch_ops"))
    func patches(item: ParityCase) throws {
        let image = try picture(item, "in/image")
        let (side, ratio) = (try item.config.int("psz"), try item.config.double("ratio"))
        let order = try item.tensor("in/order").values(as: Int.self)
        let shuffled = edited(image) { PatchShuffle(patch: side).shuffle(&$0, order: order) }
        item.compare("out/permute_patch", tensor(shuffled))
        let step = HideAndSeek(ratio: ratio, patch: side, form: .ibot)
        let hidden = try item.tensor("in/hide_patches").values(as: Int.self)
        #expect(step.hiddenCount(of: order.count) == hidden.count)
        item.compare(
            "out/hide_and_seek", tensor(edited(image) { step.hide(&$0, hidden) }))
        item.finish()
    }

    @Test("StoP's views stage by stage", arguments: ParityTable.cases("stop", "stop_transforms"))
    func stages(item: ParityCase) throws {
        let config = try item.config
        let image = try picture(item, "in/picture")
        let normalization = try normalization(config)
        for (index, spec) in try config.array("specs").enumerated() {
            let side = try spec.int("size")
            var view = image.resized(
                try box(spec.field("crop")), width: side, height: side, interpolation: .bilinear,
                order: Self.order)
            item.compare("out/c\(index)_crop", tensor(view))
            if try spec.bool("flip") { view.flipHorizontally() }
            if spec.contains("jitter") {
                for change in try jitter(spec.object("jitter"), "b", "c", "s", "h") {
                    view = changed(view, change)
                }
                item.compare("out/c\(index)_jitter", tensor(view))
            }
            if try spec.bool("gray") {
                view = changed(view, .grayscale)
                item.compare("out/c\(index)_gray", tensor(view))
            }
            if spec.contains("blur") {
                view = changed(view, .blur(try spec.double("blur")))
                item.compare("out/c\(index)_blur", tensor(view))
            }
            item.compare(
                "out/c\(index)_final", try normalized(view, normalization),
                tolerance: .absolute(1e-6))
        }
        for name in try item.names("out/eval_res") {
            let side = try item.tensor(name).shape[1]
            let view = try run(
                image,
                [
                    Resize(size: PixelSize(resizedSide(for: side)), interpolation: .bilinear),
                    CenterCrop(size: PixelSize(side)),
                ], order: Self.order)
            item.compare(name, try normalized(view, normalization), tolerance: .absolute(1e-6))
        }
        // vissl_resize<short>_crop<side>_bicubic and vissl_rrc_bicubic_<top>_<left>_<h>_<w>
        for name in try item.names("out/vissl_") {
            let numbers = name.split { !$0.isNumber }.compactMap { Int($0) }
            let size = try size(of: item, name)
            if name.contains("_rrc_") {
                let box = CropBox(
                    top: numbers[0], left: numbers[1], height: numbers[2], width: numbers[3])
                item.compare(
                    name,
                    tensor(
                        image.resized(
                            box, width: size.width, height: size.height, interpolation: .bicubic,
                            order: Self.order)))
            } else {
                item.compare(
                    name,
                    tensor(
                        try run(
                            image, [Resize(size: PixelSize(numbers[0])), CenterCrop(size: size)],
                            order: Self.order)
                    ))
            }
        }
        try compareCropStatistics(config.object("rrc_stats"))
        item.finish()
    }

    /// The recorded rectangles of several shapes of pictures, scale 0.3...1, against our own.
    private func compareCropStatistics(_ statistics: ParityConfig) throws {
        for shape in try statistics.keys {
            let recorded = try statistics.object(shape)
            let sides = shape.split(separator: "x").compactMap { Int($0) }
            let (height, width) = (sides[0], sides[1])
            let count = try recorded.int("n")
            let crop = RandomResizedCrop(scale: [0.3, 1])
            let boxes = draws(count) { crop.box(height: height, width: width, random: &$0) }
            let areas = boxes.map { Double($0.size.count) / Double(height * width) }
            let aspects = boxes.map { Double($0.width) / Double($0.height) }
            func expectMean(_ key: String, _ values: [Double]) throws {
                let problem = SampleComparison.mean(
                    values, near: try recorded.double(key), recordedCount: count)
                #expect(problem == nil, "\(shape) \(key)")
            }
            try expectMean("area_mean", areas)
            try expectMean("aspect_mean", aspects)
            try expectMean("top_mean", boxes.map { Double($0.top) })
            try expectMean("left_mean", boxes.map { Double($0.left) })
            for (key, values) in [("area", areas), ("aspect", aspects)] {
                for (end, isLeast) in [("min", true), ("max", false)] {
                    let problem = SampleComparison.extreme(
                        values, near: try recorded.double("\(key)_\(end)"), isLeast: isLeast)
                    #expect(problem == nil, "\(shape) \(key)_\(end)")
                }
            }
            let bins = try recorded.array("area_hist10").map { try $0.double }
            let problem = SampleComparison.histogram(
                histogram(areas, bins: bins.count, from: 0, to: 1), like: bins)
            #expect(problem == nil, "\(shape) area")
        }
    }

    @Test(
        "MaPeT's deterministic transforms",
        arguments: ParityTable.cases("mapet", "image_transforms")
    )
    func mapet(item: ParityCase) throws {
        let config = try item.config
        let image = try picture(item, "in/image_u8")
        let side = PixelSize(try config.int("size"))
        let normalization = try normalization(config)
        let crop = try box(config.field("crop_ijhw"))
        func compare(
            _ name: String, _ steps: [any TransformStep], _ normalization: Normalization
        ) throws {
            item.compare(
                name, try normalized(run(image, steps), normalization),
                tolerance: .absolute(1e-6))
        }
        // The only crop of a pre-training view: scale and ratio are 1.
        let square = RandomResizedCrop(size: side, scale: [1, 1], ratio: [1, 1])
        var random = CounterRandom(seed: 1, purpose: .augmentation)
        #expect(
            try square.box(height: image.height, width: image.width, random: &random)
                == box(config.field("pretrain_crop_ijhw")))
        try compare("out/pretrain_nojitter", [square], normalization)
        let short = PixelSize(try config.int("eval_resize_short"))
        try compare("out/eval_0.9", [Resize(size: short), CenterCrop(size: side)], normalization)
        try compare(
            "out/eval_1.0_bilinear",
            [Resize(size: side, interpolation: .bilinear), CenterCrop(size: side)], normalization)
        try compare("out/clip", [Resize(size: side), CenterCrop(size: side)], .clip)
        try compare("out/vqkd", [Resize(size: side), CenterCrop(size: side)], .none)
        for filter in [Interpolation.bicubic, .bilinear] {
            let view = image.resized(
                crop, width: side.width, height: side.height, interpolation: filter)
            item.compare(
                "out/crop_\(filter.rawValue)", try normalized(view, normalization),
                tolerance: .absolute(1e-6))
        }
        let half = try size(of: item, "out/crop_lanczos_half_u8")
        item.compare(
            "out/crop_lanczos_half_u8",
            tensor(
                image.resized(
                    crop, width: half.width, height: half.height, interpolation: .lanczos)))
        var view = image.resized(
            crop, width: side.width, height: side.height, interpolation: .bicubic)
        item.compare("out/jitter_input_u8", tensor(view))
        let recorded = try config.object("jitter")
        for change in try jitter(recorded, "brightness", "contrast", "saturation", "hue") {
            view = changed(view, change)
        }
        item.compare("out/jitter_output_u8", tensor(view))
        item.finish()
    }

    /// A recorded jitter in its recorded order; a property that has no value is left.
    private func jitter(_ config: ParityConfig, _ keys: String...) throws -> [ColorChange] {
        let kinds: [(Double) -> ColorChange] = [
            ColorChange.brightness, ColorChange.contrast, ColorChange.saturation, ColorChange.hue,
        ]
        return try config.array("order").compactMap { slot in
            let slot = try slot.int
            guard config.contains(keys[slot]) else { return nil }
            return kinds[slot](try config.double(keys[slot]))
        }
    }

    private func normalization(_ config: ParityConfig) throws -> Normalization {
        Normalization(mean: try floats(config, "mean"), std: try floats(config, "std"))
    }
}
