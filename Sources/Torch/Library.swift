internal import CTorch
internal import Foundation

/// libtorch, opened at the first use of a tensor.
///
/// It is looked for at `LIBTORCH`, a folder with `lib/libtorch_cpu.so`, then in the cache that
/// `make setup` fills: a CUDA build before a CPU build.
public enum LibTorch {
    /// The release that the operators are checked against.
    public static let version = "2.11.0"

    /// Opens libtorch now, so that its absence is an error to report instead of a stop.
    ///
    /// - Throws: `LibTorchError` with the folders that were tried and what to do.
    public static func load() throws {
        _ = try opened.get()
    }

    /// The version that libtorch itself reports, such as `2.11.0`.
    public static var loadedVersion: String { text(api.torch_version()) }

    /// How libtorch was built: compilers, BLAS, instruction sets.
    public static var buildConfiguration: String { text(api.build_configuration()) }

    /// The folder that libtorch was opened from, or nil where it could not be opened.
    public static var folder: String? { try? opened.get().folder }

    /// Where libtorch is looked for, in order.
    public static var candidates: [String] {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["LIBTORCH"], !path.isEmpty { return [path] }
        return ["cuda", "cpu"].map { "\(cacheFolder)/libtorch/\(version)-\($0)/torch" }
    }

    /// The folder that `make setup` fills, for libtorch and for pictures.
    package static var cacheFolder: String {
        // As the set-up finds it, for which an empty variable is none. HOME before Foundation's answer,
        // which comes from the system's list of users.
        let environment = ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
        let home = environment["HOME"] ?? NSHomeDirectory()
        return environment["TESSERA_CACHE"]
            ?? (environment["XDG_CACHE_HOME"] ?? home + "/.cache") + "/tessera"
    }
}

/// libtorch or the bridge to it could not be opened.
public struct LibTorchError: Error, CustomStringConvertible, Sendable {
    /// What was tried, why it failed and what to do.
    public let description: String
}

/// The table of functions; stops with a message where libtorch cannot be opened.
let api: ct_api = {
    switch opened {
    case .success(let library): return library.table
    case .failure(let error): fatalError(error.description)
    }
}()

/// A copy of a text that the bridge owns.
func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
}

private let opened = Result { () throws(LibTorchError) in try OpenedLibrary() }

private struct OpenedLibrary: @unchecked Sendable {
    // Unchecked for the same reason as `api`.
    let table: ct_api
    let folder: String

    init() throws(LibTorchError) {
        let candidates = LibTorch.candidates
        guard
            let folder = candidates.first(where: {
                FileManager.default.fileExists(atPath: $0 + "/lib/libtorch_cpu.so")
            })
        else {
            throw LibTorchError(
                description: "libtorch was not found in \(candidates.joined(separator: " or ")): "
                    + "run `make setup` (Tessera's scripts/setup), or set LIBTORCH to a folder with "
                    + "lib/libtorch_cpu.so")
        }
        let bridge = try Self.bridgePath()
        var message = [CChar](repeating: 0, count: 4096)
        guard let table = ct_load(folder, bridge, &message, message.count) else {
            let text = message.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { String(cString: $0) } ?? ""
            }
            throw LibTorchError(
                description: "libtorch in \(folder) could not be opened: \(text); Tessera needs "
                    + "libtorch \(LibTorch.version) (`make setup` fetches it)")
        }
        ct_keep_memory()
        self.table = table.pointee
        self.folder = folder
    }

    /// Where `TESSERA_BRIDGE` says, else beside the program, as `swift build` puts it, else in
    /// `../lib`, as an installation does.
    private static func bridgePath() throws(LibTorchError) -> String {
        let name = "libTesseraTorchBridge.so"
        let own = ct_own_path().map { String(cString: $0) } ?? CommandLine.arguments[0]
        let here = URL(fileURLWithPath: own).resolvingSymlinksInPath().deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["TESSERA_BRIDGE"].map { [$0] }
        let places =
            named
            ?? [here, here.deletingLastPathComponent().appendingPathComponent("lib")]
            .map { $0.appendingPathComponent(name).path }
        guard let path = places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw LibTorchError(
                description: "\(name) was not found at \(places.joined(separator: " or ")): "
                    + "build it with `swift build --product TesseraTorchBridge`, or set "
                    + "TESSERA_BRIDGE to its path")
        }
        return path
    }
}
