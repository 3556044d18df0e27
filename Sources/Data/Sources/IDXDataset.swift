import Foundation
import Imaging

/// Pictures and labels of IDX files, the format of MNIST and its successors, held decoded.
///
/// Layout: two zero bytes, type 8 (unsigned byte), number of dimensions, each dimension as
/// big-endian 32 bits, the values. Pictures are `[N, H, W]` (grey) or `[N, H, W, 3]`.
public struct IDXDataset: ImageSource {
    public let classNames: [String]
    public let height: Int
    public let width: Int
    public let channels: Int
    public private(set) var notes: [String] = []
    private let pixels: [UInt8]
    private let labels: [UInt8]
    private let path: String

    /// Reads one split of the files found in a folder; `.all` is the training part.
    public init(_ files: IDXFiles, split: Split) throws {
        let pair = split == .validation ? files.test : files.train
        guard let pair else {
            throw DataError(
                .missing, files.folder,
                "has no \(split == .validation ? "t10k" : "train") pictures in IDX format",
                remedy: "fetch all files of the data set")
        }
        try self.init(images: pair.images, labels: pair.labels)
        notes = split.noteOfTraining
    }

    /// Reads a pair of files, gzipped or not.
    public init(images: String, labels labelPath: String?) throws {
        path = images
        let (shape, values) = try Self.readValues(images, dimensions: 3...4)
        (height, width) = (shape[1], shape[2])
        channels = shape.count == 4 ? shape[3] : 1
        guard channels == 1 || channels == 3 else {
            throw DataError(
                .malformed, images, "has \(channels) channels, expected 1 or 3",
                remedy: "convert the pictures to grey or RGB")
        }
        guard shape[0] > 0, height > 0, width > 0 else {
            throw DataError(
                .empty, images, "has the shape \(shape)", remedy: "fetch the data set again")
        }
        pixels = values
        guard let labelPath else {
            labels = []
            classNames = []
            return
        }
        let (labelShape, labelValues) = try Self.readValues(labelPath, dimensions: 1...1)
        guard labelShape[0] == shape[0] else {
            throw DataError(
                .malformed, labelPath, "has \(labelShape[0]) labels for \(shape[0]) pictures",
                remedy: "use files of the same data set")
        }
        labels = labelValues
        classNames = Self.classNames(for: labelValues)
    }

    public var count: Int { pixels.count / (height * width * channels) }

    public func label(at index: Int) -> Int? { labels.isEmpty ? nil : Int(labels[index]) }

    public func name(at index: Int) -> String { "\(path)[\(index)]" }

    /// Of the pixels and the labels.
    public var fingerprint: String {
        var print = Fingerprint("idx")
        for size in [height, width, channels] { print.add(size) }
        pixels.withUnsafeBytes { print.add($0) }
        labels.withUnsafeBytes { print.add($0) }
        return print.text(count: count)
    }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        let size = height * width * channels
        picture.pixels.reshape(width: width, height: height, channels: channels)
        pixels.withUnsafeBytes { all in
            picture.pixels.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer($0).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: all[index * size..<(index + 1) * size]))
            }
        }
        picture.form = .decoded
    }

    private static func readValues(
        _ path: String, dimensions: ClosedRange<Int>
    ) throws -> (shape: [Int], values: [UInt8]) {
        let file = try GzipFile(path)
        let magic = try file.read(4)
        guard magic[0] == 0, magic[1] == 0, magic[2] == 8, dimensions.contains(Int(magic[3])) else {
            throw DataError(
                .malformed, path,
                "starts with \(magic), an IDX file of bytes with "
                    + "\(dimensions.lowerBound) dimensions starts with "
                    + "[0, 0, 8, \(dimensions.lowerBound)]",
                remedy: "fetch it again or exchange pictures and labels")
        }
        let shape = try (0..<Int(magic[3])).map { _ in
            try file.read(4).reduce(0) { $0 << 8 | Int($1) }
        }
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else {
                throw DataError(
                    .malformed, path, "claims the shape \(shape)", remedy: "fetch it again")
            }
            count = product
        }
        let values = try file.read(count)
        try file.expectEnd()
        return (shape, values)
    }

    /// The published names where the first labels are those of Fashion-MNIST, else digits.
    private static func classNames(for labels: [UInt8]) -> [String] {
        let fashionStarts: [[UInt8]] = [
            [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
        ]
        if fashionStarts.contains(Array(labels.prefix(10))) {
            return [
                "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                "Sneaker", "Bag", "Ankle boot",
            ]
        }
        return (0...Int(labels.max() ?? 0)).map(String.init)
    }
}

/// The IDX files of a folder, by their published names, gzipped or not.
public struct IDXFiles: Sendable, Equatable {
    public struct Pair: Sendable, Equatable {
        public var images: String
        public var labels: String?
    }

    public var folder: String
    public var train: Pair?
    public var test: Pair?

    /// Looks into the folder and where other programs put such files below it; nil if none is there.
    public static func find(in path: String) throws -> IDXFiles? {
        for below in ["", "/raw", "/FashionMNIST/raw", "/MNIST/raw"] {
            let folder = path + below
            let files = IDXFiles(
                folder: folder, train: pair("train", folder),
                test: pair("t10k", folder))
            if files.train != nil || files.test != nil { return files }
        }
        return nil
    }

    private static func pair(_ start: String, _ folder: String) -> Pair? {
        func path(_ kind: String, _ rank: Int) -> String? {
            // "train-images-idx3-ubyte", with a dot for a dash in some copies.
            let stems = ["\(start)-\(kind)-idx\(rank)-ubyte", "\(start)-\(kind).idx\(rank)-ubyte"]
            return stems.flatMap { [$0, $0 + ".gz"] }.map { "\(folder)/\($0)" }
                .first { FileStatus($0)?.isRegularFile == true }
        }
        return path("images", 3).map { Pair(images: $0, labels: path("labels", 1)) }
    }
}
