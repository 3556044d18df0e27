/// Names after prefixes are gone; nil for tensors that are left out.
struct CheckpointRenaming {
    private(set) var names: [String?]
    /// The prefixes that were removed, in that order.
    private(set) var strippedPrefixes: [String] = []

    /// What wrappers for several devices and for compiling put in front of every name.
    private static let wrappers = ["module.", "_orig_mod."]

    /// - Parameters:
    ///   - names: the names in the file.
    ///   - stripped: prefixes to remove from the names that have them, one after the other.
    ///   - without: starts of names to leave out, after that.
    ///   - path: the file's, for messages.
    /// - Throws: `UsageError` for a prefix that no name has, and for names that become the same.
    init(_ names: [String], stripped: [String], without: [String], path: String) throws {
        var current = names
        while let wrapper = Self.wrappers.first(where: { wrapper in
            !current.isEmpty && current.allSatisfy { $0.hasPrefix(wrapper) }
        }) {
            current = current.map { String($0.dropFirst(wrapper.count)) }
            strippedPrefixes.append(wrapper)
        }
        for prefix in stripped {
            // Said in so many words, though it went of itself.
            if strippedPrefixes.contains(prefix) { continue }
            try Self.require(prefix, startsOneOf: current, "--strip-prefix", path)
            current = current.map {
                $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0
            }
            strippedPrefixes.append(prefix)
        }
        for start in without { try Self.require(start, startsOneOf: current, "--without", path) }
        self.names = current.map { name in without.contains { name.hasPrefix($0) } ? nil : name }
        var originals: [String: String] = [:]
        for (name, original) in zip(self.names, names) {
            guard let name else { continue }
            if let other = originals.updateValue(original, forKey: name) {
                throw UsageError(
                    "\(path): without its prefix \(original) is called \(name), as is \(other): "
                        + "strip less, or leave one out with --without")
            }
            if name.isEmpty {
                throw UsageError(
                    original.isEmpty
                        ? "\(path) is one tensor without a name, not a dictionary of them"
                        : "\(path): nothing would be left of the name \(original)")
            }
        }
    }

    private static func require(
        _ prefix: String, startsOneOf names: [String], _ option: String, _ path: String
    ) throws {
        guard !names.contains(where: { $0.hasPrefix(prefix) }) else { return }
        throw UsageError(
            unknown: prefix, known: CheckpointPrefixes.of(names),
            "\(path): no tensor has a name that starts with '\(prefix)' (\(option))")
    }
}
