import Foundation

/// Writes something beside its place, lets it be checked there, and only then puts it in its place: what
/// was there before stays until the new one is known to be good.
package enum CheckedWrite {
    /// - Parameters:
    ///   - path: of the file, or of the folder that holds the files.
    ///   - make: is given a path of the same name in a folder of its own, writes there and checks what it
    ///     wrote; returns the files.
    /// - Returns: the files in their place.
    /// - Throws: what `make` throws, after which nothing has changed; `TensorFileError` where a file
    ///   cannot be moved.
    package static func write(
        to path: String, _ make: (_ draft: String) throws -> [String]
    ) throws -> [String] {
        let place = URL(fileURLWithPath: path)
        // The same file system, so that moving is one step.
        let folder = place.deletingLastPathComponent()
            .appendingPathComponent(".tessera-draft-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw TensorFileError(
                .unwritable, file: path,
                problem: "cannot be written: \(error.localizedDescription)",
                remedy: "check the path, its permissions and the space on its disk")
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        let draft = folder.appendingPathComponent(place.lastPathComponent).path
        return try make(draft).map { file in
            // In a folder what is left is /model.safetensors, of a file nothing.
            let target = place.relativePath + file.dropFirst(draft.count)
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: target).deletingLastPathComponent(),
                withIntermediateDirectories: true)
            guard rename(file, target) == 0 else {
                throw TensorFileError(
                    .unwritable, file: target, problem: String(cString: strerror(errno)))
            }
            return target
        }
    }
}
