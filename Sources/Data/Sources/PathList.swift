import Glibc
import Imaging

/// Many file names in one block of memory: a million of them cost their bytes and little more.
struct PathList: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    mutating func append(_ name: some Sequence<UInt8>) {
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
    }

    subscript(index: Int) -> String {
        let start = index == 0 ? 0 : ends[index - 1]
        return String(decoding: bytes[start..<ends[index]], as: UTF8.self)
    }
}

/// One folder's entries, sorted by the bytes of their names.
struct FolderListing {
    var files: [[UInt8]] = []
    var folders: [[UInt8]] = []
    /// Device and inode, by which a loop of links is recognised.
    var identity: [UInt64] = []

    /// Reads a folder; names that start with a dot are left out, links are followed.
    init(_ path: String) throws {
        guard let directory = opendir(path) else {
            let reason = String(cString: strerror(errno))
            throw DataError(
                errno == ENOENT ? .missing : .unreadable, path, "cannot be opened: \(reason)",
                remedy: "check the path and that you may read the folder")
        }
        defer { closedir(directory) }
        identity = FileStatus(path)?.identity ?? []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name.first == UInt8(ascii: ".") { continue }
            var type = Int(entry.pointee.d_type)
            if type == DT_LNK || type == DT_UNKNOWN {
                let target = FileStatus("\(path)/\(String(decoding: name, as: UTF8.self))")
                guard let target else { continue }  // a link that leads nowhere
                type = target.isFolder ? DT_DIR : target.isRegularFile ? DT_REG : DT_UNKNOWN
            }
            if type == DT_DIR { folders.append(name) } else if type == DT_REG { files.append(name) }
        }
        files.sort { $0.lexicographicallyPrecedes($1) }
        folders.sort { $0.lexicographicallyPrecedes($1) }
    }
}
