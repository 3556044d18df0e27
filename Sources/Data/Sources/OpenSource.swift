import Foundation
import Imaging

/// Opens the pictures at `path`, whatever their layout.
///
/// The first of these that fits is taken:
///
/// 1. `shard-{000..099}.tar`: tar archives whose names braces stand for;
/// 2. `list.txt:folder`: the pictures of a folder, or of any other source, that a list names;
///    of a validation split all of them;
/// 3. a `.tar` file; any other file is a list of paths;
/// 4. a folder that is a Tessera pack, or has IDX files (MNIST, Fashion-MNIST; `.gz` or not), or the
///    binary files of CIFAR;
/// 5. the split's folder (`train`; `val`, `valid`, `validation`, `test`) or, without one, the folder:
///    a pack, else `.tar` files with little beside them, else pictures, with a folder for each class
///    or without.
///
/// - Throws: `DataError` if the path is missing, unreadable or without pictures, or lacks the split.
public func openSource(
    _ path: String, split: Split = .train, options: SourceOptions = SourceOptions()
) throws -> any ImageSource {
    let path = path.withoutSlashesAtEnd
    guard let status = FileStatus(path) else {
        if ShardPattern.isPattern(path) {
            return try openShards(try ShardPattern.expand(path), in: path, split, options)
        }
        if let (list, whole) = listAndWhole(path) {
            let source = try openSource(whole, split: split, options: options)
            return split == .validation ? source : try SubsetSource(source, list: list)
        }
        throw DataError(
            .missing, path, "there is no such file or folder",
            remedy: "check the path of the data")
    }
    guard status.isFolder else { return try openFile(path, split, options) }
    if PackSource.isPack(path) { return try PackSource(path, split: split, options: options) }
    if let files = try IDXFiles.find(in: path) { return try IDXDataset(files, split: split) }
    if let files = CIFARFiles.find(in: path) { return try CIFARDataset(files, split: split) }
    let folder = split.ownFolder(in: path) ?? path
    if folder != path, PackSource.isPack(folder) {
        return try PackSource(folder, split: split, options: options)
    }
    let survey = FolderSurvey(folder)
    if survey.isOfShards {
        // The folder of a split is all of it, else the names of the shards tell.
        guard let shards = folder == path ? split.select(survey.archives) : survey.archives else {
            throw split.missing(in: path, "folder or shard")
        }
        return try TarSource(shards, options: options)
    }
    return try ImageFolder(path, split: split, options: options)
}

extension String {
    /// The same path; a slash alone stays.
    var withoutSlashesAtEnd: String {
        var path = self[...]
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return String(path)
    }
}

private func openFile(
    _ path: String, _ split: Split, _ options: SourceOptions
) throws -> any ImageSource {
    let name = path.lowercased()
    if name.hasSuffix(".tar") || name.hasSuffix(".tar.gz") || name.hasSuffix(".tgz") {
        return try openShards([path], in: path, split, options)
    }
    switch PictureEndings.kind(Array(name.utf8)) {
    case .picture, .numbers, .foreign:
        throw DataError(
            .malformed, path, "is one picture, expected a folder or a list of them",
            remedy: "give the folder that holds the pictures")
    case .archive, .other: break
    }
    guard split != .validation else { throw split.missing(in: path, "folder") }
    return try FileList(path, options: options)
}

private func openShards(
    _ paths: [String], in place: String, _ split: Split, _ options: SourceOptions
) throws -> TarSource {
    let missing = paths.filter { FileStatus($0) == nil }
    if let first = missing.first {
        throw DataError(
            .missing, place,
            "\(missing.count) of \(paths.count) shards are not there, such as \(first)",
            remedy: "fetch them, or write the range that is there")
    }
    guard let chosen = split.select(paths) else { throw split.missing(in: place, "shard") }
    return try TarSource(chosen, options: options)
}

/// The two paths of `list:whole`, where the first is a file and the second something.
private func listAndWhole(_ path: String) -> (list: String, whole: String)? {
    for colon in path.indices where path[colon] == ":" {
        let (list, whole) = (String(path[..<colon]), String(path[path.index(after: colon)...]))
        let known = ShardPattern.isPattern(whole) || FileStatus(whole) != nil
        if FileStatus(list)?.isRegularFile == true, known { return (list, whole) }
    }
    return nil
}
