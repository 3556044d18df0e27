import Foundation

/// Where the recorded cases are: a folder with one folder for each family.
///
/// The first of: `TESSERA_PARITY`; `shared/parity` beside the checkout; the subset in the
/// repository, `Tests/Parity/cases`.
public struct ParityFolder: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// The folder that the tests of this process read.
    public static let inUse: ParityFolder = {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return find(
            environment: ProcessInfo.processInfo.environment, package: package.path)
    }()

    static func find(environment: [String: String], package: String) -> ParityFolder {
        if let path = environment["TESSERA_PARITY"], !path.isEmpty {
            guard isFolder(path) else {
                fatalError("TESSERA_PARITY=\(path) is no folder; name one or unset it")
            }
            return ParityFolder(path: path)
        }
        let beside =
            URL(fileURLWithPath: package).deletingLastPathComponent().path
            + "/shared/parity"
        return ParityFolder(path: isFolder(beside) ? beside : package + "/Tests/Parity/cases")
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }

    /// The families that have a folder here, sorted.
    public var families: [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return entries.filter { Self.isFolder("\(path)/\($0)") }.sorted()
    }

    /// The names of a family's cases, sorted: paths inside its folder without `.safetensors`.
    public func caseNames(in family: String) -> [String] {
        let suffix = ".safetensors"
        let files = FileManager.default.enumerator(atPath: "\(path)/\(family)")
        return (files?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(suffix) }
            .map { String($0.dropLast(suffix.count)) }
            .sorted()
    }

    /// A file beside the cases, such as a recorded checkpoint; nil where this folder lacks it.
    public func file(_ relativePath: String) -> String? {
        let file = "\(path)/\(relativePath)"
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }

    /// The values of a JSON file beside the cases; nil where this folder lacks it.
    public func json(_ relativePath: String) throws -> ParityConfig? {
        guard let path = file(relativePath) else { return nil }
        return try ParityConfig(
            text: String(contentsOfFile: path, encoding: .utf8), place: relativePath)
    }
}
