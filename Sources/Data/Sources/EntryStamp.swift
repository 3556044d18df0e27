import Glibc

/// What tells whether a file or a folder changed since it was read, without reading it.
///
/// A folder's time of change moves when an entry comes, goes or is renamed, a file's when it is
/// written. The number of the device is left out: it may differ after every start of a machine.
struct EntryStamp: Sendable, Equatable {
    var inode: Int
    var size: Int
    /// Nanoseconds since 1970.
    var modified: Int
    /// The same for the entry's owner, mode and name as well; no program can set it back.
    var changed: Int

    init(_ status: stat) {
        inode = Int(truncatingIfNeeded: status.st_ino)
        size = Int(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
    }

    init(inode: Int, size: Int, modified: Int, changed: Int) {
        (self.inode, self.size) = (inode, size)
        (self.modified, self.changed) = (modified, changed)
    }

    /// The stamp of a folder, links followed; nil if there is none.
    init?(folder path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        self.init(status)
    }

    /// Whether a change after `time` would have given another stamp.
    func isSettled(at time: Int, seconds: Double) -> Bool {
        time - max(modified, changed) > Int(seconds * 1e9)
    }

    /// The time now, in nanoseconds since 1970.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return nanoseconds(time)
    }

    private static func nanoseconds(_ time: timespec) -> Int {
        time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
    }
}
