import Glibc
import Imaging

/// The pictures and folders in one folder, sorted by the bytes of their names.
///
/// Names that start with a dot are left out, and links are followed.
struct FolderListing: Sendable {
    var pictures = PathList()
    var folders = PathList()
    var stamp: EntryStamp
    /// Device and inode, by which a loop of links is recognised.
    var identity: [UInt64]
    /// Whether the same stamp means the same listing.
    var isSettled: Bool
    var leftOut = LeftOut()

    /// Files that look like pictures but cannot be taken, and one of each sort.
    struct LeftOut: Sendable, Equatable {
        /// With the ending of a form that is not read here.
        var foreign = 0
        var foreignExample = ""
        /// With names that are not UTF-8, which no message, log or list could hold.
        var unnameable = 0
        var unnameableExample = ""

        mutating func add(_ other: LeftOut) {
            foreign += other.foreign
            unnameable += other.unnameable
            if foreignExample.isEmpty { foreignExample = other.foreignExample }
            if unnameableExample.isEmpty { unnameableExample = other.unnameableExample }
        }
    }

    init(_ path: String, settlingSeconds: Double) throws {
        guard let directory = opendir(path) else {
            let code = errno
            throw DataError(
                code == ENOENT ? .missing : .unreadable, path,
                "cannot be opened: \(String(cString: strerror(code)))",
                remedy: "check the path and that you may read the folder")
        }
        defer { closedir(directory) }
        var status = stat()
        guard fstat(dirfd(directory), &status) == 0 else {
            throw DataError(
                .unreadable, path, "cannot be examined: \(String(cString: strerror(errno)))",
                remedy: "check the disk")
        }
        let start = EntryStamp.now
        stamp = EntryStamp(status)
        identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
        isSettled = stamp.isSettled(at: start, seconds: settlingSeconds)
        try read(directory, path)
        // A folder that changed meanwhile is read again at the next start.
        guard fstat(dirfd(directory), &status) == 0, EntryStamp(status) == stamp else {
            isSettled = false
            return
        }
    }

    private mutating func read(_ directory: OpaquePointer, _ path: String) throws {
        var numbers = PathList()
        errno = 0
        while let entry = readdir(directory) {
            withUnsafeBytes(of: &entry.pointee.d_name) { field in
                let name = UnsafeRawBufferPointer(rebasing: field.prefix { $0 != 0 })
                if name.first == UInt8(ascii: ".") { return }
                var type = Int(entry.pointee.d_type)
                if type == DT_LNK || type == DT_UNKNOWN {
                    // What a link leads to may change while the folder does not.
                    if type == DT_LNK { isSettled = false }
                    let target = FileStatus("\(path)/\(String(decoding: name, as: UTF8.self))")
                    guard let target else { return }  // a link that leads nowhere
                    type = target.isFolder ? DT_DIR : target.isRegularFile ? DT_REG : DT_UNKNOWN
                }
                sort(name, type, &numbers)
            }
            errno = 0
        }
        guard errno == 0 else {
            throw DataError(
                .unreadable, path, "cannot be listed: \(String(cString: strerror(errno)))",
                remedy: "check the disk")
        }
        if pictures.count == 0 { pictures = numbers }
        pictures = pictures.sorted()
        folders = folders.sorted()
    }

    private mutating func sort(
        _ name: UnsafeRawBufferPointer, _ type: Int, _ numbers: inout PathList
    ) {
        guard type == DT_DIR || type == DT_REG else { return }
        let kind = type == DT_DIR ? nil : PictureEndings.kind(name)
        guard kind != .other else { return }
        guard String(validating: name, as: UTF8.self) != nil else {
            leftOut.add(
                LeftOut(
                    unnameable: 1, unnameableExample: String(decoding: name, as: UTF8.self)))
            return
        }
        switch kind {
        case nil: folders.append(name)
        case .picture: pictures.append(name)
        case .numbers: numbers.append(name)
        case .foreign, .archive, .other:
            leftOut.add(
                LeftOut(foreign: 1, foreignExample: String(decoding: name, as: UTF8.self)))
        }
    }
}

extension FolderListing {
    /// The listing that an earlier walk made of a folder which has not changed since; `children`
    /// are the numbers of the folders in it.
    init(_ index: FolderIndex, folder: Int, children: [Int], identity: [UInt64]) {
        pictures = index.files[index.files(inFolder: folder)]
        for child in children {
            let path = index.folders.bytes[index.folders.range(child)]
            let slash = path.lastIndex(of: UInt8(ascii: "/"))
            folders.append(slash.map { path[($0 + 1)...] } ?? path)
        }
        stamp = index.stamps[folder]
        self.identity = identity
        isSettled = true
        leftOut = index.leftOut[folder] ?? LeftOut()
    }
}
