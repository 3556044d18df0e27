import Foundation
import Imaging
import Testing

/// A small file and the pixels that another program reads of it.
///
/// Fixtures/make_pictures.py made them with Pillow and tifffile.
struct RecordedPicture: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let image: ImageBuffer
    /// How it is decoded.
    let decoder: ImageDecoder
    /// What the header is to say, where the script knows.
    let facts: Facts

    struct Facts: Decodable, Sendable {
        let bitDepth: Int?
        let hasAlpha: Bool?
        let isAnimated: Bool?
        let orientation: Int?
        /// Levels by which a pixel may differ, where two programs round differently.
        let within: Int?
    }

    var testDescription: String { name }

    /// All that were recorded; empty if the file is missing, which a test reports.
    static let all: [RecordedPicture] = (try? load()) ?? []

    private struct Line: Decodable {
        let name: String
        let file: String
        let pixels: String
        let shape: [Int]
        let stored: Bool?
        let upright: Bool?
        let range: [Double]?
    }

    private static func load() throws -> [RecordedPicture] {
        let url = Bundle.module.url(forResource: "Fixtures/pictures", withExtension: "jsonl")
        guard let url else { return [] }
        let json = JSONDecoder()
        var earlier: [String: Line] = [:]
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { text in
            let data = Data(text.utf8)
            let line = try json.decode(Line.self, from: data)
            earlier[line.name] = line
            // What an earlier line holds is named, not repeated.
            var (file, pixels) = (line.file, line.pixels)
            while let first = earlier[file] { file = first.file }
            while let first = earlier[pixels] { pixels = first.pixels }
            var decoder = ImageDecoder()
            if line.stored == true { decoder.channels = .stored }
            if line.upright == true { decoder.orientation = .upright }
            decoder.range = line.range.map { $0[0]...$0[1] }
            return RecordedPicture(
                name: line.name, bytes: Array(Data(base64Encoded: file) ?? Data()),
                image: ImageBuffer(
                    width: line.shape[1], height: line.shape[0], channels: line.shape[2],
                    pixels: Array(Data(base64Encoded: pixels) ?? Data())),
                decoder: decoder, facts: try json.decode(Facts.self, from: data))
        }
    }
}
