import Configuration
import TensorFiles

/// An encoder that a family recognises in a checkpoint.
struct FoundEncoder: Sendable {
    let family: CheckpointFamily
    let set: TensorSet

    /// Every encoder of a checkpoint, the one that is evaluated first.
    ///
    /// For each dictionary of the file and each prefix that an anchor of some family shows, the first
    /// family of `CheckpointFamily.all` that recognises the set takes it.
    static func all(in source: CheckpointSource) -> [FoundEncoder] {
        let parts = source.parts.filter { $0.kind == .weights }
        let partNames = parts.map(\.name)
        var found: [FoundEncoder] = []
        for part in parts {
            for prefix in prefixes(in: part) {
                let set = TensorSet(part, prefix: prefix)
                let evidence = Evidence(
                    set: set, parts: partNames, topKeys: source.topKeys, settings: source.settings)
                let family = CheckpointFamily.all.first { family in
                    family.anchors.contains { set.has($0) } && family.recognizes(evidence)
                }
                guard let family else { continue }
                let whole =
                    family.adopts.isEmpty
                    ? set : TensorSet(part, prefix: prefix, adopting: family.adopts)
                found.append(FoundEncoder(family: family, set: whole))
            }
        }
        return found.enumerated().sorted { a, b in
            (rank(a.element), a.offset) < (rank(b.element), b.offset)
        }
        .map(\.element)
    }

    /// Smaller is preferred: the place of the first of the family's words that the set's place has.
    private static func rank(_ encoder: FoundEncoder) -> Int {
        let words = encoder.set.path
        return encoder.family.prefers.firstIndex { words.contains(Substring($0)) }
            ?? encoder.family.prefers.count
    }

    /// Words in a prefix that say that what follows is no encoder.
    private static let notEncoders: Set<Substring> = ["decoder", "predictor", "quantize"]

    /// Files of others hold a handful; every one costs a walk over all tensors.
    private static let encoderLimit = 64

    private static func prefixes(in part: StateDictionary) -> [String] {
        let anchors = Set(CheckpointFamily.all.flatMap(\.anchors))
        var prefixes: [String] = []
        var seen: Set<String> = []
        for (name, _) in part.tensors {
            // An anchor is a few parts long; what stands before it is the prefix.
            let words = name.split(separator: ".", omittingEmptySubsequences: false)
            for length in 1...max(1, min(words.count, 5)) {
                let end = words.suffix(length).joined(separator: ".")
                let start = words.dropLast(length)
                guard anchors.contains(end), notEncoders.isDisjoint(with: start) else { continue }
                let prefix = start.map { $0 + "." }.joined()
                if seen.insert(prefix).inserted { prefixes.append(prefix) }
                guard prefixes.count < encoderLimit else { return prefixes }
            }
        }
        return prefixes
    }

    /// The encoder that the user names, or the one that is evaluated.
    ///
    /// - Parameters:
    ///   - part: a word of its place, such as `student`; nil for the preferred one.
    ///   - prefersAverage: whether an average of the weights goes before them.
    ///   - source: the checkpoint.
    /// - Returns: the first in the order of `all(in:)` that it may be.
    /// - Throws: `CheckpointError` where there is none.
    static func choose(
        _ part: String?, prefersAverage: Bool = false, in source: CheckpointSource
    ) throws -> FoundEncoder {
        var found = all(in: source)
        if prefersAverage {
            // The order among themselves stays.
            let averages = found.filter { $0.set.path.contains(where: Self.averages.contains) }
            found =
                averages
                + found.filter { !$0.set.path.contains(where: Self.averages.contains) }
        }
        guard let part else {
            if let first = found.first { return first }
            throw unknown(source)
        }
        let words = part.split(separator: ".")
        func has(_ encoder: FoundEncoder) -> Bool {
            words.allSatisfy(encoder.set.path.contains)
        }
        if let named = found.first(where: has) { return named }
        guard !found.isEmpty else { throw unknown(source) }
        let places = found.map { "'\($0.set.path.joined(separator: "."))'" }
        let meant = nearest(part, in: found.flatMap { $0.set.path.map(String.init) })
        throw CheckpointError(
            .unknownPart,
            "\(source.path) has no encoder in \(part.quotedForMessage()); there are "
                + places.joined(separator: ", ") + (meant.map { "; did you mean '\($0)'?" } ?? ""))
    }

    /// Words in the place of an average of weights over the steps of training.
    private static let averages: Set<Substring> = ["state_dict_ema", "model_ema"]

    private static func unknown(_ source: CheckpointSource) -> CheckpointError {
        let count = source.parts.reduce(0) { $0 + $1.tensors.count }
        let names = source.parts.filter { $0.kind == .weights }
            .flatMap { part in part.tensors.prefix(3).map { part.prefix + $0.name } }
            .prefix(3).map { $0.quotedForMessage(limit: 60) }
        return CheckpointError(
            .unknownFamily,
            "\(source.path) holds no encoder of a known family: its \(count) tensors"
                + (names.isEmpty ? "" : " (\(names.joined(separator: ", ")), …)")
                + " are no family's; `tessera checkpoint inspect` lists them, "
                + "docs/checkpoints.md the families")
    }
}
