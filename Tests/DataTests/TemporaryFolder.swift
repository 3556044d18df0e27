import CZlib
import Foundation
import Imaging

@testable import Data

/// A folder that goes when the test ends.
final class TemporaryFolder {
    let path = NSTemporaryDirectory() + "data-tests-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func folder(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func writeGzipped(_ bytes: [UInt8], to name: String) {
        let file = gzopen("\(path)/\(name)", "wb")
        _ = bytes.withUnsafeBytes { gzwrite(file, $0.baseAddress, UInt32($0.count)) }
        gzclose(file)
    }

    /// A picture whose pixels are a function of `seed`.
    func writePicture(_ name: String, seed: Int, width: Int = 20, height: Int = 16) throws {
        let picture = noise(width: width, height: height, channels: 3, seed: seed)
        let bytes = name.hasSuffix("png") ? try picture.encodedPNG() : try picture.encodedJPEG()
        try write(bytes, to: name)
    }
}

func noise(width: Int, height: Int, channels: Int, seed: Int) -> ImageBuffer {
    var random = CounterRandom(seed: UInt64(seed), purpose: .method)
    return ImageBuffer(
        width: width, height: height, channels: channels,
        pixels: (0..<width * height * channels).map { _ in UInt8(random.integer(in: 0..<256)) })
}

/// Pictures in memory; those in `bad` cannot be read.
struct MemorySource: ImageSource {
    var pictures: [ImageBuffer]
    var bad: Set<Int> = []
    var classNames: [String] = ["even", "odd"]

    init(count: Int, width: Int = 12, height: Int = 10, channels: Int = 3, bad: Set<Int> = []) {
        pictures = (0..<count).map {
            noise(width: width, height: height, channels: channels, seed: $0)
        }
        self.bad = bad
    }

    var count: Int { pictures.count }
    func label(at index: Int) -> Int? { index % 2 }
    func name(at index: Int) -> String { "picture \(index)" }
    func load(_ index: Int, into picture: inout StoredPicture) throws {
        if bad.contains(index) {
            throw ImageError(.corrupt, name: name(at: index), reason: "is bad on purpose")
        }
        picture.pixels = pictures[index]
        picture.form = .decoded
    }
}
