import Glibc
import Synchronization

/// A file that appears complete or not at all: written beside its path, then renamed over it.
///
/// `commit()` returns after the bytes and the folder's entry are on disk. Until then, and after
/// any failure, what stood at the path before is untouched and the temporary file is removed; one
/// that a killed program left is removed by the next writer of the same path.
public final class AtomicFile {
    public let path: String
    /// The file being written, in the same folder.
    let temporaryPath: String

    private let descriptor: Int32
    private var isOpen = true
    private let system: System

    /// The calls of the operating system that a full disk lets fail.
    package struct System: Sendable {
        package var write: @Sendable (Int32, UnsafeRawPointer, Int) -> Int = {
            Glibc.write($0, $1, $2)
        }
        package var sync: @Sendable (Int32) -> Int32 = { Glibc.fsync($0) }

        package init() {}
    }

    private static let serial = Atomic<Int>(0)

    public convenience init(path: String) throws(TensorFileError) {
        try self.init(path: path, system: System())
    }

    package init(path: String, system: System) throws(TensorFileError) {
        self.path = path
        self.system = system
        let (folder, name) = Self.split(path)
        guard !name.isEmpty, name != ".", name != ".." else {
            throw TensorFileError(.unwritable, file: path, problem: "does not name a file")
        }
        Self.removeLeftovers(of: name, in: folder)
        let number = Self.serial.add(1, ordering: .relaxed).newValue
        temporaryPath = "\(folder)/.\(name).\(getpid())-\(number).tmp"
        descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            isOpen = false
            throw Self.failure(path, "cannot be created in \(folder)", errno)
        }
    }

    deinit { abandon() }

    /// Appends bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            // Linux writes at most 2 GiB at once.
            let count = system.write(descriptor, start, min(rest.count, 1 << 30))
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if count < 0, errno == EINTR {
                continue
            } else {
                let code = count == 0 ? ENOSPC : errno
                abandon()
                throw Self.failure(path, "cannot be written", code)
            }
        }
    }

    /// Replaces the first bytes, which must have been written.
    func rewriteStart(_ bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
        lseek(descriptor, 0, SEEK_SET)
        try write(bytes)
        lseek(descriptor, 0, SEEK_END)
    }

    /// Makes the file durable and puts it at its path.
    public func commit() throws(TensorFileError) {
        guard isOpen else { fatalError("\(path): committed after a failure or twice") }
        guard system.sync(descriptor) == 0 else {
            let code = errno
            abandon()
            throw Self.failure(path, "cannot be flushed to disk", code)
        }
        guard rename(temporaryPath, path) == 0 else {
            let code = errno
            abandon()
            throw Self.failure(path, "cannot be put in place", code)
        }
        isOpen = false
        close(descriptor)
        // The new name itself must reach the disk; where folders cannot be flushed, it will.
        let folder = open(Self.split(path).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// Removes what has been written; the file at the path stays as it was.
    public func abandon() {
        guard isOpen else { return }
        isOpen = false
        close(descriptor)
        unlink(temporaryPath)
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    /// Deletes temporary files of `name` whose program no longer runs.
    private static func removeLeftovers(of name: String, in folder: String) {
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let found = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard found.hasPrefix(".\(name)."), found.hasSuffix(".tmp") else { continue }
            let owner = found.dropFirst(name.utf8.count + 2).prefix { $0 != "-" }
            guard let process = pid_t(owner), process > 0, process != getpid() else { continue }
            if kill(process, 0) != 0, errno == ESRCH { unlink("\(folder)/\(found)") }
        }
    }

    private static func failure(_ path: String, _ problem: String, _ code: Int32) -> TensorFileError
    {
        let reason = String(cString: strerror(code))
        guard [ENOSPC, EDQUOT, EFBIG].contains(code) else {
            return TensorFileError(.unwritable, file: path, problem: "\(problem): \(reason)")
        }
        return TensorFileError(
            .diskFull, file: path, problem: "\(problem): \(reason)",
            remedy: "the previous file is untouched; make room, then go on")
    }
}
