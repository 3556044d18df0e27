import Foundation
import Imaging
import TensorFiles
import Testing

/// Recorded crops and resizes; every number comes from the case file.
@Suite("Pictures equal to recorded ones") struct PillowParityTests {
    @Test(.enabled(if: RecordedCase.exists("beyondcls", "aug_resized_crop"), "no case file"))
    func resizedCrops() throws {
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
            var pillow: String
        }
        let recorded = try RecordedCase("beyondcls", "aug_resized_crop")
        let config = try recorded.config(Config.self)
        let order = passOrder(pillow: config.pillow)
        let image = try recorded.image("in/image_u8")
        var compared = 0
        for filter in [Interpolation.bilinear, .bicubic] {
            for (index, box) in config.boxes.enumerated() {
                var result = image.resized(
                    CropBox(top: box.top, left: box.left, height: box.height, width: box.width),
                    width: box.size, height: box.size, interpolation: filter, order: order)
                if box.hflip { result.flipHorizontally() }
                #expect(result == (try recorded.image("out/\(filter.rawValue)\(index)_u8")))
                compared += 1
            }
        }
        #expect(compared == 2 * config.boxes.count && compared > 0)
    }

    @Test(.enabled(if: RecordedCase.exists("beyondcls", "aug_val_transform"), "no case file"))
    func validationPictures() throws {
        struct Config: Decodable {
            enum Entry: Decodable, Equatable {
                case number(Int)
                case size([Int])
                init(from decoder: any Decoder) throws {
                    let container = try decoder.singleValueContainer()
                    if let number = try? container.decode(Int.self) {
                        self = .number(number)
                    } else {
                        self = .size(try container.decode([Int].self))
                    }
                }
            }
            var input_size: Int
            var resize_short_side: Int
            var cases_h_w_resizedWH: [[Entry]]
        }
        let recorded = try RecordedCase("beyondcls", "aug_val_transform")
        let config = try recorded.config(Config.self)
        #expect(!config.cases_h_w_resizedWH.isEmpty)
        for (index, entry) in config.cases_h_w_resizedWH.enumerated() {
            let image = try recorded.image("in/u8in\(index)")
            #expect(Array(entry.prefix(2)) == [.number(image.height), .number(image.width)])
            let size = image.sizeWithShortSide(config.resize_short_side)
            #expect(entry[2] == .size([size.width, size.height]))
            // The folder's README: recorded with Pillow 13.
            let resized = image.resized(
                width: size.width, height: size.height, interpolation: .bicubic, order: .pillow13)
            #expect(resized == (try recorded.image("out/resized\(index)_u8")))
            let side = config.input_size
            let crop = resized.cropped(to: resized.centerBox(width: side, height: side))
            #expect(crop == (try recorded.image("out/crop\(index)_u8")))
        }
    }
}

private func passOrder(pillow version: String) -> PassOrder {
    (Int(version.prefix { $0 != "." }) ?? 0) >= 13 ? .pillow13 : .horizontalFirst
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
        try JSONDecoder().decode(type, from: Data((file.metadata["config"] ?? "").utf8))
    }

    func image(_ name: String) throws -> ImageBuffer {
        let record = try file.tensor(name)
        return ImageBuffer(
            width: record.shape[1], height: record.shape[0], channels: record.shape[2],
            pixels: record.contiguousBytes())
    }
}
