import Glibc

/// What a path leads to, links followed.
package struct FileStatus: Sendable, Equatable {
    package let size: Int
    package let isRegularFile: Bool
    package let isFolder: Bool
    /// Device and inode: two paths to one file have the same.
    package let identity: [UInt64]

    /// nil if the path leads nowhere or may not be examined.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    init(_ status: stat) {
        size = Int(status.st_size)
        isRegularFile = status.st_mode & S_IFMT == S_IFREG
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
    }
}
