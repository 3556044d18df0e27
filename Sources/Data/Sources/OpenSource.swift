import Foundation

/// Opens the pictures at `path`, whatever their layout.
///
/// Known: a folder with IDX files (MNIST, Fashion-MNIST; `.gz` or not), a folder with `train` and
/// `val` (or `validation`, `test`) folders, a folder of class folders, a folder of pictures.
///
/// - Throws: `DataError` if the path is missing, unreadable or without pictures, or lacks the split.
public func openSource(_ path: String, split: Split = .train) throws -> any ImageSource {
    if let files = try IDXFiles.find(in: path) {
        return try IDXDataset(files, split: split)
    }
    return try ImageFolder(path, split: split)
}
