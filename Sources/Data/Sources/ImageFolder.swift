import Foundation
import Imaging

/// Pictures in a folder, at any depth; the first-level folder of a picture is its class.
///
/// Classes and pictures are in the order of the bytes of their paths: first the pictures of a folder,
/// then its folders. If pictures lie in the folder itself, or there are no folders, nothing has
/// a label. A broken link is left out, so are names that start with a dot.
public struct ImageFolder: ImageSource {
    public let path: String
    public let classNames: [String]
    public let notes: [String]
    private let index: FolderIndex
    /// For each folder its class.
    private let labels: [Int32]
    private let maxFileBytes: Int

    /// Lists the pictures of a split, or takes the list of an earlier start as far as it still holds.
    ///
    /// - Throws: `DataError` if the folder is missing, unreadable or without pictures, or if
    ///   `validation` is asked for where there is no such folder.
    public init(
        _ path: String, split: Split = .train, options: SourceOptions = SourceOptions()
    ) throws {
        self.path = try split.folder(in: path)
        maxFileBytes = options.limits.maxFileBytes
        var notes = split == .all ? Self.notesOfParts(in: path) : []
        index = try Self.index(self.path, options, &notes)
        let leftOut = index.leftOut.sorted { $0.key < $1.key }
            .reduce(into: FolderListing.LeftOut()) { $0.add($1.value) }
        guard index.files.count > 0 else { throw Self.empty(self.path, leftOut) }
        if leftOut.foreign > 0 {
            notes.append(
                "\(leftOut.foreign) files in forms that are not read are left out, such as "
                    + leftOut.foreignExample)
        }
        if leftOut.unnameable > 0 {
            notes.append(
                "\(leftOut.unnameable) names that are not UTF-8 are left out, such as "
                    + leftOut.unnameableExample)
        }
        self.notes = notes
        // An empty class folder keeps its label, so that the labels of two splits agree.
        (classNames, labels) = Self.classes(of: index)
    }

    /// That the folders of two parts are taken for two classes.
    private static func notesOfParts(in path: String) -> [String] {
        guard let train = Split.train.ownFolder(in: path),
            let validation = Split.validation.ownFolder(in: path)
        else { return [] }
        return [
            "\(train) and \(validation) are taken for two classes: choose one of the parts, train or "
                + "validation, to have theirs"
        ]
    }

    public var count: Int { index.files.count }

    public func label(at index: Int) -> Int? {
        isLabelled ? Int(labels[self.index.folder(ofFile: index)]) : nil
    }

    public func name(at index: Int) -> String {
        let folder = self.index.folders[self.index.folder(ofFile: index)]
        let file = self.index.files[index]
        return folder.isEmpty ? "\(path)/\(file)" : "\(path)/\(folder)/\(file)"
    }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        picture.byteCount = try readFile(
            name(at: index), limit: maxFileBytes, into: &picture.bytes)
        picture.form = .encoded
    }

    /// Of the names alone: a picture that was edited in place, under its name, gives the same.
    public var fingerprint: String {
        var print = Fingerprint("folder")
        index.folders.bytes.withUnsafeBytes { print.add($0) }
        index.files.bytes.withUnsafeBytes { print.add($0) }
        for first in index.firstFiles { print.add(first) }
        return print.text(count: count)
    }

    // MARK: - Listing

    private static func index(
        _ path: String, _ options: SourceOptions, _ notes: inout [String]
    ) throws -> FolderIndex {
        let cache = IndexCache(options)
        let key = [
            URL(fileURLWithPath: path).resolvingSymlinksInPath().path,
            PictureEndings.all.joined(separator: " "),
        ]
        var earlier: FolderIndex?
        if options.index == .kept {
            let (found, note) = cache.load(.folder, key: key) { try FolderIndex(from: &$0) }
            earlier = found
            if let note { notes.append(note) }
        }
        let walk = FolderWalk(root: path, options: options, earlier: earlier)
        if let earlier, walk.earlierHolds() { return earlier }
        let index = try walk.run()
        if options.index != .off, index.files.count >= options.smallestIndex, index != earlier {
            let note = cache.store(.folder, key: key) { index.encode(to: &$0) }
            if let note { notes.append(note) }
        }
        return index
    }

    /// The first-level folders, and for each folder the number of the one it lies in or is.
    private static func classes(of index: FolderIndex) -> (names: [String], labels: [Int32]) {
        var names: [String] = []
        var labels: [Int32] = []
        let hasFilesAtRoot = !index.files(inFolder: 0).isEmpty
        guard !hasFilesAtRoot else { return ([], []) }
        for folder in index.parents.indices {
            if index.parents[folder] == 0 { names.append(index.folders[folder]) }
            labels.append(Int32(names.count - 1))
        }
        return (names, labels)
    }

    private static func empty(_ path: String, _ leftOut: FolderListing.LeftOut) -> DataError {
        let also =
            leftOut.foreign > 0
            ? " (\(leftOut.foreign) in forms that are not read, such as "
                + "\(leftOut.foreignExample))" : ""
        return DataError(
            .empty, path, "has no pictures\(also)",
            remedy: "expected files ending in " + PictureEndings.all.joined(separator: ", ")
                + " in it or in folders below it")
    }
}
