import Configuration
import Foundation

/// What a resumed run does otherwise from now on, and its `config.yaml` with that.
struct SettingChanges {
    /// `optim.lr 0.001 → 0.0001` and so on, in the order of the settings.
    let texts: [String]
    private let yaml: String

    /// - Parameters:
    ///   - before: the settings of the run so far.
    ///   - after: those that it is resumed with.
    /// - Throws: `ConfigurationError` for settings by which the run counts its steps.
    init<Value: Configuration>(
        from before: ResolvedConfiguration<Value>, to after: ResolvedConfiguration<Value>
    ) throws {
        let old = Dictionary(
            before.settings.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        texts = try after.settings.compactMap { setting in
            let was = old[setting.key] ?? "null"
            guard was != setting.value else { return nil }
            guard !Self.fixed.contains(setting.key) else {
                throw ConfigurationError.invalid(
                    setting.key, found: setting.value, expected: "\(was), as the run began",
                    advice: "what its steps are would change: start another run for that")
            }
            return "\(setting.key) \(was) → \(setting.value)"
        }
        yaml = after.yaml()
    }

    /// By them the place in the run is known.
    private static let fixed: Set<String> = [
        "run.method", "run.seed", "data.batchSize", "data.repeats",
    ]

    /// Writes a new run's settings, under the command that made them.
    static func write(_ yaml: String, to file: URL) throws {
        try Data((header + yaml).utf8).write(to: file, options: .atomic)
    }

    /// Writes the changed settings over those of the file; the others keep their line, which says where
    /// they came from.
    func write(over file: URL) throws {
        let old = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
        let headers = old.prefix { $0.hasPrefix("# tessera ") }
        let kept = old.dropFirst(headers.count)
        var lines = yaml.components(separatedBy: "\n")
        if kept.count == lines.count {
            lines = zip(kept, lines).map { Self.plain($0) == Self.plain($1) ? $0 : $1 }
        }
        let text = headers.map { $0 + "\n" }.joined() + Self.header + lines.joined(separator: "\n")
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    /// A line without the comment at its end.
    private static func plain(_ line: String) -> String {
        let end = line.range(of: "  # ", options: .backwards)?.lowerBound ?? line.endIndex
        return line[..<end].trimmingCharacters(in: .whitespaces)
    }

    private static var header: String {
        "# tessera \(Version.text): \(CommandLine.arguments.joined(separator: " "))\n"
    }
}
