import Glibc

/// An open regular file that many threads read at places of their choice.
///
/// Read, not mapped: a file that is shortened meanwhile gives an error, never a signal.
final class ReadableFile: Sendable {
    let path: String
    let stamp: EntryStamp
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        // Not blocking: opening a pipe must not wait for somebody to write to it.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw DataError(
                code == ENOENT ? .missing : .unreadable, path,
                "cannot be opened: \(String(cString: strerror(code)))",
                remedy: "check that the file exists and that you may read it")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DataError(
                .unreadable, path, "is not a regular file",
                remedy: "give the path of a file that holds pictures")
        }
        stamp = EntryStamp(status)
    }

    deinit { close(descriptor) }

    var size: Int { stamp.size }

    /// Reads from `offset` on; returns how many bytes there were, fewer only at the end of the file.
    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        guard let start = memory.baseAddress else { return 0 }
        var done = 0
        while done < memory.count {
            let got = pread(descriptor, start + done, memory.count - done, offset + done)
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw DataError(
                    .unreadable, path, "cannot be read: \(String(cString: strerror(errno)))",
                    remedy: "check the disk")
            }
            done += got
        }
        return done
    }

    /// `count` bytes from `offset` on; throws where the file ends before.
    func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
            throw cut(offset, count)
        }
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try bytes.withUnsafeMutableBytes { try read(into: $0, at: offset) }
        guard got == count else { throw cut(offset, count) }
        return bytes
    }

    func cut(_ offset: Int, _ count: Int) -> DataError {
        DataError(
            .malformed, path, "ends before byte \(offset) + \(count)",
            remedy: "copy the file again")
    }
}
