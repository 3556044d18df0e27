import CZlib
import Imaging

/// Reads a file that may be compressed with gzip, with the length known beforehand.
///
/// Reading checks the file's checksum; a length that the file could not hold is refused before it
/// is allocated.
struct GzipFile: ~Copyable {
    private let file: gzFile
    private let path: String
    private let storedBytes: Int

    init(_ path: String) throws {
        guard let status = FileStatus(path), status.isRegularFile, let file = gzopen(path, "rbe")
        else {
            throw DataError(
                .unreadable, path, "cannot be opened",
                remedy: "check that it is a file and that you may read it")
        }
        self.file = file
        self.path = path
        storedBytes = status.size
    }

    deinit { gzclose(file) }

    /// The next `count` bytes.
    func read(_ count: Int) throws -> [UInt8] {
        // Deflate expands by 1032 at most.
        guard count / 1032 <= storedBytes else {
            throw DataError(
                .malformed, path, "claims \(count) bytes but the file has \(storedBytes)",
                remedy: "fetch it again")
        }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                gzread(
                    file, buffer.baseAddress.map { $0 + done }, UInt32(min(count - done, 1 << 30)))
            }
            guard got > 0 else {
                throw DataError(
                    .malformed, path, "ends after \(done) of \(count) bytes\(reason)",
                    remedy: "fetch it again")
            }
            done += Int(got)
        }
        return bytes
    }

    /// Throws if bytes are left or the checksum is wrong.
    func expectEnd() throws {
        var byte: UInt8 = 0
        switch gzread(file, &byte, 1) {
        case 0: return
        case 1:
            throw DataError(
                .malformed, path, "is longer than its header says", remedy: "fetch it again")
        default:
            throw DataError(.malformed, path, "is damaged\(reason)", remedy: "fetch it again")
        }
    }

    private var reason: String {
        var code: Int32 = 0
        guard let text = gzerror(file, &code), code < 0 else { return "" }
        return " (\(String(cString: text)))"
    }
}
