import Foundation
import Yams

/// A YAML text that states differences from the defaults, read within fixed limits.
///
/// At most 1 MiB, 64 levels deep, 100,000 values after aliases are put in, 8 anchors and 32 aliases;
/// no key twice in a mapping; one document.
public struct Recipe: Sendable {
    /// What errors and provenance call it: the path it was read from, or a title.
    public let name: String
    /// What it states, later ones over earlier ones: the whole of a text, or single settings.
    let changes: [Change]

    struct Change: Sendable {
        let value: YAMLValue
        /// Nil for the line of the recipe that a value stands in.
        let source: ConfigurationSource?
    }

    /// Reads a file.
    ///
    /// Throws `ConfigurationError` if it cannot be opened or is not usable YAML.
    public init(contentsOf path: String) throws {
        let handle: FileHandle
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw ConfigurationError(
                kind: .unreadable, key: "", source: nil,
                problem: "\(path): cannot be opened; is the path right and readable?")
        }
        defer { try? handle.close() }
        let data: Data
        do {
            data = try handle.read(upToCount: Limits.bytes + 1) ?? Data()
        } catch {
            throw ConfigurationError(
                kind: .unreadable, key: "", source: nil,
                problem: "\(path): cannot be read; a recipe is a YAML file, not a folder")
        }
        guard data.count <= Limits.bytes else { throw Limits.tooLarge(path) }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ConfigurationError.malformed("\(path): not UTF-8 text", nil)
        }
        try self.init(yaml: text, named: path)
    }

    /// Reads a text.
    ///
    /// Throws `ConfigurationError` if it is not usable YAML.
    public init(yaml: String, named name: String) throws {
        self.name = name
        let value = try YAMLValue.parse(yaml, named: name)
        changes = value.map { [Change(value: $0, source: nil)] } ?? []
    }

    /// Settings that stand for the keys of another program's file.
    ///
    /// - Parameters:
    ///   - settings: `key=value`, later ones over earlier ones, each with the key of the file that it
    ///     stands for, or the section.
    ///   - name: the path of the file.
    ///   - file: the file as it was read; errors and provenance name its lines and keys.
    /// - Throws: `ConfigurationError` for what is not of the form `key=value`.
    public init(
        _ settings: [(key: String, setting: String)], named name: String,
        of file: ResolvedConfiguration<some Configuration>
    ) throws {
        self.name = name
        changes = try settings.map { key, setting in
            Change(
                value: try YAMLValue.override(setting),
                source: .imported(name, line: file.line(of: key) ?? 1, key: key))
        }
    }

    /// The text of one plain value, such as `method`, before the type of the settings is known.
    public func text(at key: String) -> String? {
        changes.compactMap { $0.value.text(at: key) }.last
    }
}

extension YAMLValue {
    /// The text of a plain value in a section of this one.
    fileprivate func text(at key: String) -> String? {
        var value: YAMLValue? = self
        for part in key.split(separator: ".") {
            guard case .mapping(let entries)? = value?.content else { return nil }
            value = entries.first { $0.key == part }?.value
        }
        guard case .scalar(let text, _)? = value?.content else { return nil }
        return text
    }
}

extension YAMLValue {
    /// `optim.lr=1e-3` as the recipe `{optim: {lr: 1e-3}}`.
    static func override(_ argument: String) throws -> YAMLValue {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let keys = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, keys.count <= Limits.depth, keys.allSatisfy({ !$0.isEmpty }) else {
            throw ConfigurationError.malformed(
                "'\(argument.prefix(80))' is not of the form key.path=value", .commandLine)
        }
        let text = String(parts[1])
        guard text.utf8.count <= Limits.bytes else { throw Limits.tooLarge("command line") }
        // `name=a: [b` is no YAML but may be a fine text: the setting's type decides.
        let parsed = try? YAMLValue.parse(text, named: nil)
        var content = parsed?.content ?? .null
        if parsed == nil, !text.isEmpty { content = .scalar(text, quoted: true) }
        let leaf = YAMLValue(content: content, line: 1, typed: text)
        return keys.reversed().reduce(leaf) { inner, key in
            YAMLValue(content: .mapping([(String(key), 1, inner)]), line: 1, typed: nil)
        }
    }
}

enum Limits {
    static let bytes = 1 << 20
    static let depth = 64
    static let values = 100_000
    // Few enough that even aliases of aliases cannot grow beyond some ten thousand values each.
    static let anchors = 8
    static let aliases = 32

    static func tooLarge(_ name: String) -> ConfigurationError {
        ConfigurationError.malformed("\(name): larger than \(bytes) bytes, not a recipe", nil)
    }
}
