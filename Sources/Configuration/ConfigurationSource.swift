/// Where the value of a setting came from.
public enum ConfigurationSource: Sendable, Equatable, CustomStringConvertible {
    /// The default in the code.
    case defaults
    /// A line, counted from 1, of a recipe.
    case file(String, line: Int)
    /// An override `key=value`.
    case commandLine

    /// `default`, `recipe.yaml:12` or `command line`.
    public var description: String {
        switch self {
        case .defaults: "default"
        case .file(let name, let line): "\(name):\(line)"
        case .commandLine: "command line"
        }
    }
}
