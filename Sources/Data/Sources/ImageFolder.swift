import Foundation
public import Imaging

/// Pictures in a folder, at any depth; the first-level folder of a picture is its class.
///
/// Classes and pictures are in the order of the bytes of their paths: first the pictures of a folder,
/// then its folders. If pictures lie in the folder itself, or there are no folders, nothing has
/// a label. A broken link is left out, so are names that start with a dot.
public struct ImageFolder: ImageSource {
    public let path: String
    public let classNames: [String]
    private let files: PathList
    private let folders: PathList
    /// For each folder the number of its first picture, and its class.
    private let firstFiles: [Int]
    private let folderLabels: [Int]
    private let maxFileBytes: Int

    /// Endings of files that are taken for pictures; what they hold is found by reading them.
    public static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "png"]
    private static let foreign: Set<String> = ["webp", "gif", "bmp", "tif", "tiff", "heic", "avif"]
    private static let splitFolders: [Split: [String]] = [
        .train: ["train", "training"], .validation: ["val", "valid", "validation", "test"],
    ]

    /// Lists the pictures of a split.
    ///
    /// - Throws: `DataError` if the folder is missing, unreadable or without pictures, or if
    ///   `validation` is asked for where there is no such folder.
    public init(_ path: String, split: Split = .train, limits: ImageLimits = ImageLimits()) throws {
        self.path = try Self.folder(of: split, in: path)
        maxFileBytes = limits.maxFileBytes
        var walk = Walk(root: self.path)
        try walk.visit("", identities: [])
        let labelled = !walk.hasFilesAtRoot && walk.firstLevel.count > 0
        guard walk.files.count > 0 else {
            let also =
                walk.foreignCount > 0
                ? " (\(walk.foreignCount) in formats that are not read yet, such as "
                    + "\(walk.foreignExample))" : ""
            throw DataError(
                .empty, self.path, "has no pictures\(also)",
                remedy: "expected files ending in "
                    + Self.extensions.sorted().joined(separator: ", ")
                    + " in it or in folders below it")
        }
        files = walk.files
        folders = walk.folders
        firstFiles = walk.firstFiles
        // An empty class folder keeps its label, so that the labels of two splits agree.
        classNames = labelled ? walk.firstLevel : []
        folderLabels = labelled ? walk.folderLabels : []
    }

    public var count: Int { files.count }

    public func label(at index: Int) -> Int? {
        isLabelled ? folderLabels[folder(of: index)] : nil
    }

    public func name(at index: Int) -> String {
        let folder = folders[folder(of: index)]
        return folder.isEmpty ? "\(path)/\(files[index])" : "\(path)/\(folder)/\(files[index])"
    }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        picture.byteCount = try readFile(
            name(at: index), limit: maxFileBytes, into: &picture.bytes)
        picture.form = .encoded
    }

    /// The last folder whose first picture is not behind `index`.
    private func folder(of index: Int) -> Int {
        var (low, high) = (0, firstFiles.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstFiles[middle] <= index { low = middle } else { high = middle }
        }
        return low
    }

    /// Where the pictures of a split are.
    private static func folder(of split: Split, in path: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DataError(
                .missing, path, "there is no such folder", remedy: "check the path of the data")
        }
        guard isFolder.boolValue else {
            throw DataError(
                .malformed, path, "is a file, expected a folder of pictures",
                remedy: "give the folder that holds the pictures")
        }
        guard let names = splitFolders[split] else { return path }
        let present = try Set(
            FolderListing(path).folders.map { String(decoding: $0, as: UTF8.self) })
        if let name = names.first(where: present.contains) { return "\(path)/\(name)" }
        guard split == .validation else { return path }
        throw DataError(
            .missing, path, "has no folder \(names.joined(separator: ", "))",
            remedy: "add one, or name the folder with the validation pictures itself")
    }
}

/// The walk over a folder tree, folders in the order of their names.
private struct Walk {
    let root: String
    var files = PathList()
    var folders = PathList()
    var firstFiles: [Int] = []
    var folderLabels: [Int] = []
    var firstLevel: [String] = []
    var hasFilesAtRoot = false
    var foreignCount = 0
    var foreignExample = ""

    /// Visits the folder `relative` of the class `label`; `identities` are the folders above it.
    mutating func visit(_ relative: String, label: Int = -1, identities: [[UInt64]]) throws {
        let listing = try FolderListing(relative.isEmpty ? root : "\(root)/\(relative)")
        guard !identities.contains(listing.identity) else { return }  // a link back up
        let before = files.count
        for name in listing.files {
            let text = String(decoding: name, as: UTF8.self)
            let ending = text.split(separator: ".").last.map { $0.lowercased() } ?? ""
            if ImageFolder.extensions.contains(ending) {
                files.append(name)
            } else if ImageFolder.isForeign(ending) {
                foreignCount += 1
                foreignExample = text
            }
        }
        if files.count > before {
            folders.append(relative.utf8)
            firstFiles.append(before)
            folderLabels.append(label)
            if relative.isEmpty { hasFilesAtRoot = true }
        }
        for name in listing.folders {
            let text = String(decoding: name, as: UTF8.self)
            if relative.isEmpty {
                firstLevel.append(text)
                try visit(text, label: firstLevel.count - 1, identities: [listing.identity])
            } else {
                try visit(
                    "\(relative)/\(text)", label: label,
                    identities: identities + [listing.identity])
            }
        }
    }
}

extension ImageFolder {
    fileprivate static func isForeign(_ ending: String) -> Bool { foreign.contains(ending) }
}
