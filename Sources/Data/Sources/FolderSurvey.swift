import Glibc
import Imaging

/// What kinds of things lie directly in a folder; quick, for nothing is sorted or examined.
struct FolderSurvey {
    /// Paths of tar archives, in the order of their names.
    private(set) var archives: [String] = []
    private(set) var pictures = 0
    private(set) var hasFolders = false

    /// With more pictures than this a folder is one of pictures, whatever else is in it.
    private static let enough = 100_000

    init(_ path: String) {
        guard let directory = opendir(path) else { return }
        defer { closedir(directory) }
        while pictures < Self.enough, let entry = readdir(directory) {
            withUnsafeBytes(of: &entry.pointee.d_name) { field in
                let name = UnsafeRawBufferPointer(rebasing: field.prefix { $0 != 0 })
                guard name.first != UInt8(ascii: ".") else { return }
                let type = Int(entry.pointee.d_type)
                switch PictureEndings.kind(name) {
                case _ where type == DT_DIR: hasFolders = true
                case .picture: pictures += 1
                case .archive: archives.append("\(path)/\(String(decoding: name, as: UTF8.self))")
                default:
                    let isOpen = type == DT_LNK || type == DT_UNKNOWN
                    let file = "\(path)/\(String(decoding: name, as: UTF8.self))"
                    if isOpen, FileStatus(file)?.isFolder == true { hasFolders = true }
                }
            }
        }
        archives.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether the folder is one of shards: of archives, with little or nothing beside them.
    ///
    /// An archive that was unpacked beside its pictures makes no folder of shards.
    var isOfShards: Bool { !archives.isEmpty && !hasFolders && archives.count >= pictures }
}
