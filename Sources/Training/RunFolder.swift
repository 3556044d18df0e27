public import Foundation

/// The folder of a run: configuration, metrics, checkpoints, report.
///
/// One process at a time works in it; a second one is refused, also after a crash of the first
/// left files behind (the lock goes with the process).
public final class RunFolder {
    public let url: URL
    private let lock: Int32

    /// Creates the folder for a new run.
    ///
    /// It may exist, but not hold a run. Throws `RunFolderError` where it does, or cannot be
    /// written.
    public static func create(_ path: String) throws -> RunFolder {
        let folder = try RunFolder(path, creating: true)
        if FileManager.default.fileExists(atPath: folder.configuration.path) {
            throw RunFolderError(
                "\(path) already holds a run: continue it with `tessera resume \(path)`, or give "
                    + "another --out")
        }
        return folder
    }

    /// Opens the folder of a run to continue it.
    ///
    /// - Throws: `RunFolderError` where there is no run, or another process works in it.
    public static func open(_ path: String) throws -> RunFolder {
        guard FileManager.default.fileExists(atPath: path + "/config.yaml") else {
            throw RunFolderError("\(path) holds no run: config.yaml is missing")
        }
        return try RunFolder(path, creating: false)
    }

    private init(_ path: String, creating: Bool) throws {
        url = URL(fileURLWithPath: path, isDirectory: true)
        let checkpoints = url.appendingPathComponent("checkpoints", isDirectory: true)
        do {
            try FileManager.default.createDirectory(
                at: checkpoints, withIntermediateDirectories: true)
        } catch {
            throw RunFolderError("\(path) cannot be created: \(error.localizedDescription)")
        }
        let lockPath = url.appendingPathComponent(".lock").path
        lock = Foundation.open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw RunFolderError("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            // All is initialised, so deinit runs and closes the file.
            throw RunFolderError("another process is working in \(path): wait for it or stop it")
        }
    }

    deinit { close(lock) }

    /// Takes back what `create` made, for a run that could not begin; what else the folder holds stays.
    public func discard() {
        let files = FileManager.default
        func isEmpty(_ folder: URL) -> Bool {
            (try? files.contentsOfDirectory(atPath: folder.path))?.isEmpty == true
        }
        for file in [configuration, classes] { try? files.removeItem(at: file) }
        if isEmpty(checkpoints) { try? files.removeItem(at: checkpoints) }
        try? files.removeItem(at: url.appendingPathComponent(".lock"))
        if isEmpty(url) { try? files.removeItem(at: url) }
    }

    /// The resolved configuration, with where each value came from.
    public var configuration: URL { url.appendingPathComponent("config.yaml") }

    /// The classes of a run that trains a classifier, a name a line in the order of their numbers.
    public var classes: URL { url.appendingPathComponent("classes.txt") }

    /// The logged steps in the columns of the method's published code.
    public var publishedLog: URL { url.appendingPathComponent("log.csv") }

    /// One JSON object a logged step.
    public var metrics: URL { url.appendingPathComponent("metrics.jsonl") }

    /// One line an epoch.
    public var epochs: URL { url.appendingPathComponent("epochs.csv") }

    /// Files that could not be read, one JSON object each.
    public var badFiles: URL { url.appendingPathComponent("bad_files.jsonl") }

    public var scores: URL { url.appendingPathComponent("scores.json") }
    public var report: URL { url.appendingPathComponent("report.html") }
    public var checkpoints: URL { url.appendingPathComponent("checkpoints", isDirectory: true) }
}

// MARK: - Classes

extension RunFolder {
    /// Keeps what the numbers of the classes mean.
    public func write(classNames: [String]) throws {
        try RunFileError.naming(classes.relativePath, "write") {
            try Self.text(classNames).write(to: classes, options: .atomic)
        }
    }

    /// What the numbers of a run's classes mean; nil where it has none.
    static func classNames(in folder: URL) -> [String]? {
        guard let text = try? Data(contentsOf: folder.appendingPathComponent("classes.txt")) else {
            return nil
        }
        return String(decoding: text, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Throws `RunFolderError` for pictures whose classes have other numbers than those that the run
    /// began with.
    public func require(classNames: [String]) throws {
        guard let known = try? Data(contentsOf: classes), known != Self.text(classNames) else {
            return
        }
        let names = String(decoding: known, as: UTF8.self).split(separator: "\n").map(String.init)
        let gone = Set(names).subtracting(classNames).sorted().first
        let new = Set(classNames).subtracting(names).sorted().first
        let what = [gone.map { "'\($0)' is gone" }, new.map { "'\($0)' is new" }].compactMap(\.self)
        throw RunFolderError(
            "the classes of the pictures are not those of \(classes.relativePath)"
                + (what.isEmpty ? ", or in another order" : ": " + what.joined(separator: ", "))
                + "; their numbers would mean others than the classifier has learned. Bring them "
                + "back, or fine-tune anew")
    }

    /// A line break in a name would be two names.
    private static func text(_ names: [String]) -> Data {
        Data(names.map { $0.replacing("\n", with: " ") + "\n" }.joined().utf8)
    }
}

/// The folder of a run cannot be used.
public struct RunFolderError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
