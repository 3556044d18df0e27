import Data
import Foundation
import Imaging

/// JPEG files to load: smooth shapes with grain on them, as dense as photographs are.
struct BenchmarkPictures {
    let width: Int
    let height: Int
    let count: Int

    /// The folder of the pictures, which are made where they are not there.
    func make(in scratch: String) throws -> String {
        let folder = "\(scratch)/\(width)x\(height)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        for number in 0..<count {
            let path = "\(folder)/\(number).jpg"
            guard !FileManager.default.fileExists(atPath: path) else { continue }
            let file = try picture(number).encodedJPEG(quality: 90)
            try Foundation.Data(file).write(to: URL(fileURLWithPath: path), options: .atomic)
        }
        return folder
    }

    /// The folder of a pack of the pictures in `folder`, which lies beside it.
    static func pack(_ folder: String, shortSide: Int) throws -> String {
        var settings = PackSettings()
        settings.shortSide = shortSide
        let place = "\(folder)-\(shortSide)"
        let source = try openSource(folder, split: .all)
        _ = try PackWriter(source, split: .all, root: folder, settings: settings).write(to: place)
        return place
    }

    private func picture(_ number: Int) -> ImageBuffer {
        var random = CounterRandom(seed: 90, purpose: .evaluation, sample: number)
        var sum = [Float](repeating: 128, count: width * height * 3)
        // Octaves of noise, coarse ones stronger: the spectrum of photographs.
        for octave in 2..<9 {
            let (columns, rows) = (1 << octave, max(2, (1 << octave) * height / width))
            var coarse = ImageBuffer(width: columns, height: rows, channels: 3)
            for row in 0..<rows {
                for column in 0..<columns {
                    let grey = random.integer(in: 0..<200)
                    for channel in 0..<3 {
                        coarse[row, column, channel] = UInt8(grey + random.integer(in: 0..<56))
                    }
                }
            }
            let fine = coarse.resized(width: width, height: height, interpolation: .bicubic)
            let strength = Float(1.6) / Float(octave * octave)
            fine.withUnsafeBytes { fine in
                for index in sum.indices { sum[index] += (Float(fine[index]) - 128) * strength }
            }
        }
        return ImageBuffer(
            width: width, height: height, channels: 3,
            pixels: sum.map { value in
                let grain = Float(random.integer(in: -9..<10))
                return UInt8(min(max(value + grain, 0), 255))
            })
    }
}
