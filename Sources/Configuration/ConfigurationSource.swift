/// Where the value of a setting came from.
public enum ConfigurationSource: Sendable, Equatable, CustomStringConvertible {
    /// The default in the code.
    case defaults
    /// A line, counted from 1, of a recipe.
    case file(String, line: Int)
    /// A line, counted from 1, of a file of another program, and the key there that stands for it.
    case imported(String, line: Int, key: String)
    /// An override `key=value`.
    case commandLine

    /// `default`, `recipe.yaml:12`, `theirs.yaml:3 (data.batch_size)` or `command line`.
    public var description: String {
        switch self {
        case .defaults: "default"
        case .file(let name, let line): "\(name):\(line)"
        case .imported(let name, let line, let key): "\(name):\(line) (\(key))"
        case .commandLine: "command line"
        }
    }
}
