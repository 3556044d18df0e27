/// Several sources one behind the other, each a part with a weight.
///
/// Classes with the same name are one class, in the order in which they first come. Pictures have
/// labels only if those of every source do.
public struct MixedSource: ImageSource {
    public let classNames: [String]
    public let parts: [SourcePart]
    private let sources: [any ImageSource]
    /// For each source the class here of each of its classes.
    private let labels: [[Int]]

    /// - Parameter sources: the sources with their names and shares of the draws; a share of nil is
    ///   the number of pictures.
    /// - Throws: `DataError` for no sources, or weights that are no shares.
    public init(
        _ sources: [(name: String, source: any ImageSource, weight: Double?)]
    ) throws {
        guard !sources.isEmpty else {
            throw DataError(.empty, "mix", "has no sources", remedy: "name at least one")
        }
        var start = 0
        var parts: [SourcePart] = []
        for (name, source, weight) in sources {
            guard weight.map({ $0 > 0 && $0.isFinite }) ?? true else {
                throw DataError(
                    .malformed, name, "has the weight \(weight ?? 0)",
                    remedy: "give a number above 0, or leave the source out")
            }
            parts.append(SourcePart(name, start..<start + source.count, weight: weight))
            start += source.count
        }
        self.parts = parts
        self.sources = sources.map(\.source)
        guard sources.allSatisfy({ $0.source.isLabelled }) else {
            (classNames, labels) = ([], [])
            return
        }
        var names: [String] = []
        var numbers: [String: Int] = [:]
        labels = self.sources.map { source in
            source.classNames.map { name in
                if let number = numbers[name] { return number }
                numbers[name] = names.count
                names.append(name)
                return names.count - 1
            }
        }
        classNames = names
    }

    public var count: Int { parts.last?.range.upperBound ?? 0 }

    public func label(at index: Int) -> Int? {
        guard isLabelled else { return nil }
        let (part, own) = place(of: index)
        return sources[part].label(at: own).map { labels[part][$0] }
    }

    public func name(at index: Int) -> String {
        let (part, own) = place(of: index)
        return sources[part].name(at: own)
    }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        let (part, own) = place(of: index)
        try sources[part].load(own, into: &picture)
    }

    public var fingerprint: String {
        var print = Fingerprint("mix")
        for (part, source) in zip(parts, sources) {
            print.add(source.fingerprint)
            print.add(Int(bitPattern: UInt(part.weight.bitPattern)))
        }
        return print.text(count: count)
    }

    public var notes: [String] {
        let unlabelled = zip(parts, sources).filter { !$0.1.isLabelled }.map(\.0.name)
        let mixed = !unlabelled.isEmpty && unlabelled.count < sources.count
        return sources.flatMap(\.notes)
            + (mixed ? ["no label is used, for \(unlabelled[0]) has none"] : [])
    }

    private func place(of index: Int) -> (part: Int, own: Int) {
        let part = parts.partition { $0.range.upperBound > index }
        return (part, index - parts[part].range.lowerBound)
    }
}
