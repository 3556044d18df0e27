import Foundation
import Imaging

/// CIFAR-10 and CIFAR-100 in their binary form: 32 x 32 pixels, RGB.
///
/// A record is one byte of class, for CIFAR-100 a coarse and a fine one, of which the fine counts,
/// then 1024 bytes each of red, green and blue, row by row (Krizhevsky 2009).
public struct CIFARDataset: ImageSource {
    public let classNames: [String]
    public let parts: [SourcePart]
    public let notes: [String]
    private let files: ShardFiles
    private let labels: [UInt8]
    private let labelBytes: Int
    private let contents: String

    private static let side = 32
    private static let planeBytes = side * side

    /// Reads one split of the files found in a folder; `.all` is the training part.
    ///
    /// - Throws: `DataError` if files are missing or have another size than whole records.
    public init(_ files: CIFARFiles, split: Split) throws {
        let paths = split == .validation ? files.test : files.train
        guard !paths.isEmpty else {
            throw DataError(
                .missing, files.folder,
                "has no \(split == .validation ? "test" : "training") pictures of CIFAR",
                remedy: "fetch all files of the data set")
        }
        notes = split.noteOfTraining
        labelBytes = files.hasCoarseLabels ? 2 : 1
        let classes = files.hasCoarseLabels ? 100 : 10
        let recordBytes = labelBytes + 3 * Self.planeBytes
        var labels: [UInt8] = []
        var parts: [SourcePart] = []
        var stamps: [EntryStamp] = []
        var print = Fingerprint("contents")
        for path in paths {
            let file = try ReadableFile(path)
            guard file.size > 0, file.size % recordBytes == 0 else {
                throw DataError(
                    .malformed, path, "has \(file.size) bytes, not a number of \(recordBytes)",
                    remedy: "fetch the file again")
            }
            let start = labels.count
            var record = [UInt8](repeating: 0, count: recordBytes)
            for number in 0..<file.size / recordBytes {
                let got = try record.withUnsafeMutableBytes {
                    try file.read(into: $0, at: number * recordBytes)
                }
                let label = record[labelBytes - 1]
                guard got == recordBytes, label < classes else {
                    throw DataError(
                        .malformed, path,
                        "has the class \(label) in record \(number), expected 0 to \(classes - 1)",
                        remedy: "fetch the file again")
                }
                labels.append(label)
                record.withUnsafeBytes { print.add($0) }
            }
            parts.append(SourcePart(path, start..<labels.count))
            stamps.append(file.stamp)
        }
        self.files = ShardFiles(paths, stamps: stamps)
        (self.labels, self.parts) = (labels, parts)
        contents = print.digits
        classNames = try files.classNames(classes)
    }

    public var count: Int { labels.count }

    public func label(at index: Int) -> Int? { Int(labels[index]) }

    public func name(at index: Int) -> String {
        let (part, own) = place(of: index)
        return "\(parts[part].name)[\(own)]"
    }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        let (part, own) = place(of: index)
        let plane = Self.planeBytes
        let start = own * (labelBytes + 3 * plane) + labelBytes
        try files.read(part, at: start, count: 3 * plane, into: &picture.bytes)
        picture.pixels.reshape(width: Self.side, height: Self.side, channels: 3)
        picture.bytes.withUnsafeBufferPointer { planes in
            picture.pixels.withUnsafeMutableBytes { pixels in
                for pixel in 0..<plane {
                    for channel in 0..<3 {
                        pixels[3 * pixel + channel] = planes[channel * plane + pixel]
                    }
                }
            }
        }
        picture.form = .decoded
    }

    /// Of the pixels and the classes.
    public var fingerprint: String { "cifar-\(count)-\(contents)" }

    private func place(of index: Int) -> (part: Int, own: Int) {
        let part = parts.partition { $0.range.upperBound > index }
        return (part, index - parts[part].range.lowerBound)
    }
}

/// The binary files of CIFAR in a folder, by their published names.
public struct CIFARFiles: Sendable, Equatable {
    public var folder: String
    public var hasCoarseLabels: Bool
    public var train: [String]
    public var test: [String]

    /// Looks into the folder and where the published archives put the files; nil without any.
    public static func find(in path: String) -> CIFARFiles? {
        for below in ["", "/cifar-10-batches-bin", "/cifar-100-binary"] {
            let folder = path + below
            func present(_ names: [String]) -> [String] {
                names.map { "\(folder)/\($0)" }.filter { FileStatus($0)?.isRegularFile == true }
            }
            let train = present((1...5).map { "data_batch_\($0).bin" })
            let test = present(["test_batch.bin"])
            if !train.isEmpty || !test.isEmpty {
                return CIFARFiles(
                    folder: folder, hasCoarseLabels: false, train: train, test: test)
            }
            // "train.bin" alone could be anything.
            if !present(["fine_label_names.txt"]).isEmpty {
                let files = CIFARFiles(
                    folder: folder, hasCoarseLabels: true, train: present(["train.bin"]),
                    test: present(["test.bin"]))
                if !files.train.isEmpty || !files.test.isEmpty { return files }
            }
        }
        return nil
    }

    /// The names of the classes from the file beside the pictures, numbers without one.
    func classNames(_ count: Int) throws -> [String] {
        let name = hasCoarseLabels ? "fine_label_names.txt" : "batches.meta.txt"
        let path = "\(folder)/\(name)"
        guard let size = FileStatus(path)?.size else { return (0..<count).map(String.init) }
        guard size <= 1 << 16 else {
            throw DataError(
                .malformed, path, "has \(size) bytes", remedy: "fetch the file again")
        }
        let text = String(
            decoding: try ReadableFile(path).bytes(at: 0, count: size), as: UTF8.self)
        let names = text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard names.count == count else {
            throw DataError(
                .malformed, path, "has \(names.count) names, expected \(count)",
                remedy: "fetch the file again")
        }
        return names
    }
}
