import Glibc

/// Memory that is never written after its making: a mapped file, or bytes of our own.
///
/// Safe to share between threads because nothing changes it until the last reference goes; that
/// is what the unchecked conformance states.
final class ByteStorage: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// Maps a regular file for reading.
    ///
    /// A file that another program shortens while it is mapped stops the program with SIGBUS, as
    /// with every mapped file: checkpoints are replaced by renaming, never rewritten in place.
    init(mapping path: String) throws(TensorFileError) {
        func failure(_ problem: String, _ remedy: String? = nil) -> TensorFileError {
            TensorFileError(.unreadable, file: path, problem: problem, remedy: remedy)
        }
        // Not blocking: opening a pipe must not wait for somebody to write to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            let remedy = code == ENOENT ? "check the path" : nil
            throw failure("cannot be opened: \(String(cString: strerror(code)))", remedy)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw failure("has no status: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
            throw failure("is \(found)", "give the path of one file")
        }
        let count = Int(status.st_size)
        isMapped = true
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
            start != MAP_FAILED
        else { throw failure("cannot be mapped: \(String(cString: strerror(errno)))") }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Takes `count` bytes, filled by `fill`.
    init<E: Error>(
        count: Int, fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        isMapped = false
        bytes = UnsafeRawBufferPointer(start: memory.baseAddress, count: count)
        try fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
    }

    /// Gives back the memory of whole pages inside `range`; they are read from the file again when
    /// somebody looks at them. Nothing happens to bytes of our own.
    func releasePages(_ range: Range<Int>) {
        let page = 4096
        guard isMapped, let start = bytes.baseAddress else { return }
        let first = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard end > first else { return }
        madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, MADV_DONTNEED)
    }

    deinit {
        guard let start = bytes.baseAddress else { return }
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        } else {
            bytes.deallocate()
        }
    }
}

/// A range of bytes of a file or of unpacked memory; it keeps them alive, and copies nothing.
public struct ByteSlice: Sendable {
    private let storage: ByteStorage
    private let range: Range<Int>

    init(_ storage: ByteStorage) {
        self.storage = storage
        range = 0..<storage.bytes.count
    }

    private init(_ storage: ByteStorage, _ range: Range<Int>) {
        self.storage = storage
        self.range = range
    }

    /// Maps a whole regular file.
    package init(mapping path: String) throws(TensorFileError) {
        self.init(try ByteStorage(mapping: path))
    }

    /// A copy of `bytes`.
    package init(copying bytes: some Collection<UInt8>) {
        self.init(ByteStorage(count: bytes.count) { $0.copyBytes(from: bytes) })
    }

    public var count: Int { range.count }

    /// The bytes; valid only while this slice, or another of the same file, lives.
    public var unsafeBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: storage.bytes[range])
    }

    /// Calls `body` with the bytes, which are valid until it returns.
    public func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        let result = try body(unsafeBytes)
        withExtendedLifetime(storage) {}
        return result
    }

    /// `count` bytes from `offset` on, or nil where they are not all inside.
    package func slice(at offset: Int, count: Int) -> ByteSlice? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            return nil
        }
        let start = range.lowerBound + offset
        return ByteSlice(storage, start..<start + count)
    }

    /// Says that the bytes are not needed in memory soon: after a copy of them, for instance.
    package func releasePages() { storage.releasePages(range) }

    /// A copy as an array.
    public var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
