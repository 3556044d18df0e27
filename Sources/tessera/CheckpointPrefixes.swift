import Configuration

/// The starts of names, up to a dot.
enum CheckpointPrefixes {
    /// Starts that names of a file have, `module.`, `module.blocks.`, …, the frequent ones first.
    static func of(_ names: [String]) -> [String] {
        var counts: [String: Int] = [:]
        for name in names {
            var start = ""
            for part in name.split(separator: ".", omittingEmptySubsequences: false).dropLast()
                .prefix(4)
            {
                start += part + "."
                counts[start, default: 0] += 1
            }
        }
        return counts.sorted {
            (-$0.value, $0.key.count, $0.key) < (-$1.value, $1.key.count, $1.key)
        }
        .map(\.key)
    }
}

extension UsageError {
    /// Asks for a name that a file does not have; lists those that it has, and the nearest.
    ///
    /// - Parameters:
    ///   - name: the name as it was given.
    ///   - known: the names that there are.
    ///   - problem: what was looked for, and where.
    init(unknown name: String, known: [String], _ problem: String) {
        var text = problem
        if !known.isEmpty {
            let shown = known.prefix(8).map { "'\($0.withoutControlCharacters)'" }
            text += "; there are " + shown.joined(separator: ", ")
            if known.count > shown.count { text += " and \(known.count - shown.count) more" }
        }
        if let meant = nearest(name, in: known) {
            text += "; did you mean '\(meant.withoutControlCharacters)'?"
        }
        self.init(text)
    }
}
