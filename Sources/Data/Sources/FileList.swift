import Foundation
import Imaging

/// Pictures that a text file names, one on each line, perhaps with a label behind the name.
///
/// The label is what stands behind the picture's ending and a tab, a comma or a space. Paths are
/// relative to the folder of the list unless they start with a slash. Empty lines and lines that
/// start with `#` are passed over.
public struct FileList: ImageSource {
    public let classNames: [String]
    public let notes: [String]
    private let folder: String
    private let names: PathList
    private let labels: [Int32]
    private let maxFileBytes: Int

    /// Reads a list.
    ///
    /// - Throws: `DataError` if the list cannot be read or is empty, names the line that is not
    ///   understood, or finds none of the pictures it looks for.
    public init(_ path: String, options: SourceOptions = SourceOptions()) throws {
        let lines = try ListLines(path)
        folder = (path as NSString).deletingLastPathComponent
        names = lines.names
        maxFileBytes = options.limits.maxFileBytes
        if lines.labels.isEmpty {
            (classNames, labels) = ([], [])
        } else {
            let classes = try ClassLabels(lines.labels, place: path)
            classNames = classes.names
            labels = lines.labels.map { Int32(classes.number(of: $0)) }
        }
        var notes: [String] = []
        // A look at a few pictures finds a list that belongs to another folder.
        let (names, folder) = (names, folder)
        let probes = Set((0..<16).map { $0 * (names.count - 1) / 15 }).sorted()
        let missing = probes.filter { FileStatus(Self.path(names[$0], in: folder)) == nil }
        if let first = missing.first {
            let example = Self.path(names[first], in: folder)
            guard missing.count < probes.count else {
                throw DataError(
                    .missing, path, "names pictures that are not there, such as \(example)",
                    remedy: "give the folder that the names are relative to: \(path):FOLDER")
            }
            notes.append(
                "\(missing.count) of \(probes.count) pictures looked at are not there, such as "
                    + example)
        }
        self.notes = notes
    }

    public var count: Int { names.count }

    public func label(at index: Int) -> Int? { labels.isEmpty ? nil : Int(labels[index]) }

    public func name(at index: Int) -> String { Self.path(names[index], in: folder) }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        picture.byteCount = try readFile(
            name(at: index), limit: maxFileBytes, into: &picture.bytes)
        picture.form = .encoded
    }

    /// Of the names as the list has them, and the labels.
    public var fingerprint: String {
        var print = Fingerprint("list")
        print.add(classNames)
        names.bytes.withUnsafeBytes { print.add($0) }
        names.ends.withUnsafeBytes { print.add($0) }
        labels.withUnsafeBytes { print.add($0) }
        return print.text(count: count)
    }

    private static func path(_ name: String, in folder: String) -> String {
        name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
    }
}

/// The lines of a list: names of pictures, and a label for each or none at all.
struct ListLines {
    private(set) var names = PathList()
    private(set) var labels: [String] = []

    /// A list of 100 million pictures is smaller.
    static let largest = 1 << 34
    /// No path of a system is longer.
    private static let longestLine = 1 << 14

    init(_ path: String) throws {
        let file = try ReadableFile(path)
        guard file.size <= Self.largest else {
            throw DataError(
                .malformed, path, "has \(file.size) bytes, too many for a list of names",
                remedy: "give a text file with a path on each line")
        }
        try self.init(file.bytes(at: 0, count: file.size), name: path)
    }

    init(_ bytes: [UInt8], name: String) throws {
        var number = 0
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0  // the mark of UTF-8
        var rest = bytes[start...]
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var line = rest[..<end]
            rest = rest[min(end + 1, rest.endIndex)...]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            try add(line, place: "\(name), line \(number)")
        }
        guard names.count > 0 else {
            throw DataError(
                .empty, name, "names no pictures", remedy: "write the path of one on each line")
        }
        guard labels.isEmpty || labels.count == names.count else {
            throw DataError(
                .malformed, name,
                "has labels for \(labels.count) of its \(names.count) pictures",
                remedy: "give each line a label or none")
        }
    }

    private mutating func add(_ line: ArraySlice<UInt8>, place: String) throws {
        guard line.count <= Self.longestLine, String(validating: line, as: UTF8.self) != nil else {
            throw DataError(
                .malformed, place, "is no path: \(line.count) bytes, or not UTF-8",
                remedy: "give a text file with a path on each line")
        }
        guard !Self.isPicture(line) else {
            names.append(line)
            return
        }
        let divider = line.lastIndex { byte in
            [UInt8(ascii: "\t"), UInt8(ascii: ","), UInt8(ascii: " ")].contains(byte)
        }
        // "a.jpg, 3" has two dividers.
        let name = divider.map { divider in
            line[..<divider].trimmedEnd { [32, 44, 9].contains($0) }
        }
        guard let divider, let name, Self.isPicture(name) else {
            let text = String(decoding: line.prefix(80), as: UTF8.self)
            throw DataError(
                .malformed, place, "is '\(text)', expected the path of a picture",
                remedy: "write a path, and behind it, if there are labels, a tab and the label")
        }
        names.append(name)
        labels.append(String(decoding: line[(divider + 1)...], as: UTF8.self))
    }

    private static func isPicture(_ name: ArraySlice<UInt8>) -> Bool {
        switch PictureEndings.kind(name) {
        case .picture, .numbers: true
        case .foreign, .archive, .other: false
        }
    }
}

extension ArraySlice {
    /// Without the elements at the end for which `drops` holds.
    fileprivate func trimmedEnd(_ drops: (Element) -> Bool) -> ArraySlice {
        var slice = self
        while let last = slice.last, drops(last) { slice.removeLast() }
        return slice
    }
}
