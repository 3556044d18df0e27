import Glibc

/// Reads a whole file into `bytes`, which only grows, and returns the length of the file.
///
/// - Throws: `ImageError` if the file is missing, unreadable, no regular file or over `limit`.
public func readFile(_ path: String, limit: Int, into bytes: inout [UInt8]) throws -> Int {
    func failure(_ what: String) -> ImageError {
        ImageError(.unreadable, name: path, reason: "\(what): \(String(cString: strerror(errno)))")
    }
    // Not blocking: a pipe without a writer would otherwise hold the thread for ever.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw failure("cannot be opened") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure("cannot be examined") }
    let found = FileStatus(status)
    guard found.isRegularFile else {
        throw ImageError(.unreadable, name: path, reason: "is not a regular file")
    }
    let size = found.size
    guard size <= limit else {
        throw ImageError(
            .tooLarge, name: path, reason: "\(size) bytes, more than the limit of \(limit)")
    }
    if bytes.count < size { bytes = [UInt8](repeating: 0, count: size) }
    var done = 0
    while done < size {
        let got = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { read(file, $0 + done, size - done) } ?? 0
        }
        if got == 0 { break }  // the file shrank; the decoder will say that it is truncated
        if got < 0 {
            if errno == EINTR { continue }
            throw failure("cannot be read")
        }
        done += got
    }
    return done
}
