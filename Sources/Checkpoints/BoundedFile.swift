import Foundation
import TensorFiles

/// A small file that is read whole.
enum BoundedFile {
    /// The bytes of a regular file.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - limit: the most bytes that an honest one has.
    /// - Returns: all of them.
    /// - Throws: `TensorFileError` for a larger file, a pipe or a device, and where it cannot be read.
    static func contents(_ path: String, limit: Int) throws(TensorFileError) -> Data {
        let bytes = try ByteSlice(mapping: path)
        guard bytes.count <= limit else {
            throw TensorFileError(
                .limit, file: path,
                problem: "has \(bytes.count) bytes, expected at most \(limit)",
                remedy: "no honest checkpoint needs that: do not trust this file")
        }
        return Data(bytes.array)
    }
}
