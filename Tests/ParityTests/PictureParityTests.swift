import Foundation
import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

/// Crops, resizes and normalised pictures, bit for bit where they are bytes.
@Suite("Pictures equal to the reference") struct PictureParityTests {
    @Test(
        "crop, resize, flip, normalise",
        arguments: ParityTable.cases("beyondcls", "aug_resized_crop"))
    func resizedCrops(item: ParityCase) throws {
        let config = try item.config
        let order = try PassOrder(pillow: config.string("pillow"))
        let normalization = Normalization(
            mean: try floats(config, "mean"), std: try floats(config, "std"))
        let image = try picture(item, "in/image_u8")
        for (index, box) in try config.array("boxes").enumerated() {
            let side = try box.int("size")
            let crop = CropBox(
                top: try box.int("top"), left: try box.int("left"),
                height: try box.int("height"), width: try box.int("width"))
            for filter in [Interpolation.bilinear, .bicubic] {
                var result = image.resized(
                    crop, width: side, height: side, interpolation: filter, order: order)
                if try box.bool("hflip") { result.flipHorizontally() }
                item.compare("out/\(filter.rawValue)\(index)_u8", tensor(result))
                let name = "out/\(filter.rawValue)\(index)_tensor"
                guard try item.contains(name) else { continue }
                item.compare(
                    name, try normalized(result, normalization), tolerance: .absolute(1e-6))
            }
        }
        item.finish()
    }

    @Test(
        "resize the short side, cut the centre",
        arguments: ParityTable.cases("beyondcls", "aug_val_transform"))
    func validationPictures(item: ParityCase) throws {
        let config = try item.config
        let (short, side) = (try config.int("resize_short_side"), try config.int("input_size"))
        for (index, sizes) in try config.array("cases_h_w_resizedWH").enumerated() {
            let image = try picture(item, "in/u8in\(index)")
            #expect(try (image.height, image.width) == (sizes[0].int, sizes[1].int))
            let size = image.size.withShortSide(short)
            #expect(try (size.width, size.height) == (sizes[2][0].int, sizes[2][1].int))
            // The family's pictures were recorded with Pillow 13.
            let resized = image.resized(
                width: size.width, height: size.height, interpolation: .bicubic, order: .pillow13)
            item.compare("out/resized\(index)_u8", tensor(resized))
            let crop = resized.cropped(
                to: CropBox(centering: PixelSize(side), in: resized.size))
            item.compare("out/crop\(index)_u8", tensor(crop))
            let name = "out/tensor\(index)"
            if try item.contains(name) {
                item.compare(name, try normalized(crop, .imageNet), tolerance: .absolute(1e-6))
            }
        }
        item.finish()
    }

    @Test(
        "rectangles of the linear probe",
        arguments: ParityTable.cases("beyondcls", "aug_linprobe_crop_params"))
    func linearProbeRectangles(item: ParityCase) throws {
        let config = try item.config
        let crop = RandomResizedCrop(
            scale: try config.array("scale").map { try $0.double },
            ratio: try config.array("ratio").map { try $0.double }, form: .clamped)
        for (index, size) in try config.array("images_h_w").enumerated() {
            let (height, width) = (try size[0].int, try size[1].int)
            let draws = try item.tensor("in/areafrac_aspect\(index)").values(as: Double.self)
            let name = "out/top_left_h_w\(index)"
            let recorded = try item.tensor(name).values(as: Int.self)
            var boxes: [Int] = []
            for row in 0..<draws.count / 2 {
                // Where it lies was drawn by the reference: taken over, and checked to be possible.
                let (part, aspect) = (draws[2 * row], draws[2 * row + 1])
                #expect(part >= crop.scale[0] && part <= crop.scale[1])
                #expect(log(aspect) >= log(crop.ratio[0]) && log(aspect) <= log(crop.ratio[1]))
                let box = crop.box(
                    height: height, width: width,
                    replaying: [
                        part, log(aspect), Double(recorded[4 * row]), Double(recorded[4 * row + 1]),
                    ])
                boxes += [box.top, box.left, box.height, box.width]
            }
            item.compare(name, Tensor(boxes, shape: [draws.count / 2, 4]))
        }
        item.finish()
    }
}
