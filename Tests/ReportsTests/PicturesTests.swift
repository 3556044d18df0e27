import Foundation
import Imaging
import Testing

@testable import Reports

@Suite("Colours, heat maps and pictures") struct PicturesTests {
    @Test("lightness rises with the value, in steps that look equal")
    func colorMap() {
        let map = ColorMap.standard
        // CIE L* of the sRGB colour.
        let lightness = (0...255).map { index -> Double in
            let color = map[Double(index) / 255]
            let linear = [color.red, color.green, color.blue].map { byte -> Double in
                let value = Double(byte) / 255
                return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
            }
            let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
            return y > 0.008856 ? 116 * pow(y, 1.0 / 3) - 16 : 903.3 * y
        }
        let steps = zip(lightness.dropFirst(), lightness).map { $0.0 - $0.1 }
        #expect(zip(lightness, lightness.dropFirst(4)).allSatisfy { $0 < $1 })
        #expect(lightness[0] < 20 && lightness[255] > 90)
        #expect((steps.max() ?? 0) < 1)
        #expect(map[-1] == map[0] && map[2] == map[1] && map[.infinity] == map[1])
        #expect(map[.nan] == ColorMap.Color(red: 128, green: 128, blue: 128))
        #expect(Set((0...255).map { map[Double($0) / 255].hex }).count > 240)
    }

    @Test("a heat map without opacity is the grey picture, with full opacity the colours")
    func overlay() {
        var image = ImageBuffer(width: 8, height: 6, channels: 3)
        for row in 0..<6 { for column in 0..<8 { image[row, column, 1] = 200 } }
        let map = HeatMap(rows: 2, columns: 2, values: [0, 0, 1, 1])
        let grey = map.overlay(on: image, opacity: 0)
        #expect(grey[0, 0, 0] == 117 && grey[5, 7, 2] == 117)  // 0.587 · 200
        let full = map.overlay(on: image, opacity: 1)
        let low = ColorMap.standard[0]
        let high = ColorMap.standard[1]
        #expect(full[0, 3, 0] == low.red && full[0, 3, 2] == low.blue)
        #expect(full[5, 3, 0] == high.red && full[5, 3, 2] == high.blue)
        #expect(full.width == 8 && full.height == 6 && full.channels == 3)
    }

    @Test("a heat map is symmetric when its values are, and survives odd ones")
    func symmetry() {
        let image = ImageBuffer(width: 9, height: 9, channels: 1)
        let ring: [Float] = [1, 2, 1, 2, 5, 2, 1, 2, 1]
        let picture = HeatMap(rows: 3, columns: 3, values: ring).overlay(on: image)
        for row in 0..<9 {
            for column in 0..<9 {
                #expect(picture[row, column, 1] == picture[8 - row, column, 1])
                #expect(picture[row, column, 1] == picture[column, row, 1])
            }
        }
        let odd: [[Float]] = [[.nan, .nan], [.infinity, 1], [2, 2], [-.infinity, .nan]]
        for values in odd {
            let map = HeatMap(rows: 1, columns: 2, values: values)
            #expect(map.overlay(on: image).width == 9)
        }
        let empty = ImageBuffer(width: 0, height: 0, channels: 1)
        #expect(HeatMap(rows: 1, columns: 1, values: [1]).overlay(on: empty).byteCount == 0)
    }

    @Test("pictures are PNG inside the page, small ones with visible pixels")
    func picture() throws {
        let small = try Picture(ImageBuffer(width: 2, height: 3, channels: 1), alternative: "<x>")
        let markup = small.html.markup
        #expect(markup.contains("class=\"pixels\" width=\"2\" height=\"3\" alt=\"&lt;x&gt;\""))
        let base64 = try #require(markup.split(separator: "base64,").last?.dropLast(2))
        let png = try #require(Data(base64Encoded: String(base64)))
        #expect(Array(png.prefix(8)) == [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
        let large = try Picture(ImageBuffer(width: 200, height: 3, channels: 3), alternative: "")
        #expect(!large.html.markup.contains("pixels"))
        #expect(throws: ImageError.self) { try Picture(ImageBuffer(), alternative: "") }
    }
}
