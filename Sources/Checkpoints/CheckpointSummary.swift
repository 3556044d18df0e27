import TensorFiles

/// What a checkpoint holds, by families: its encoders and what lies beside them.
///
/// Needs no libtorch: names, shapes and a few numbers of the positions tell the family.
public struct CheckpointSummary: Sendable {
    /// The encoders, the one that is loaded first.
    public let encoders: [Encoder]
    /// What is beside the first, by what it is.
    public let others: [(meaning: String, tensors: Int)]

    /// An encoder in a file.
    public struct Encoder: Sendable {
        public let family: CheckpointFamily
        /// The dictionary and the prefix of the names: `teacher: backbone.`.
        public let place: String
        /// A word that chooses it.
        public let part: String
        public let tensors: Int
    }

    public init(_ source: CheckpointSource) {
        let found = FoundEncoder.all(in: source)
        encoders = found.map { encoder in
            Encoder(
                family: encoder.family, place: encoder.set.place,
                part: encoder.set.path.joined(separator: "."),
                tensors: encoder.set.tensors.count)
        }
        var groups: [(meaning: String, tensors: Int)] = []
        func add(_ meaning: String, _ count: Int) {
            if let place = groups.firstIndex(where: { $0.meaning == meaning }) {
                groups[place].tensors += count
            } else {
                groups.append((meaning, count))
            }
        }
        if let first = found.first {
            let meanings = first.family.others + CheckpointFamily.commonOthers
            let names = first.family.names.apply(first.set.tensors)
            for tensor in names {
                let other = meanings.first {
                    tensor.sources[0].hasPrefix($0.start) || tensor.name.hasPrefix($0.start)
                }
                if let other { add(other.meaning, tensor.sources.count) }
            }
            for name in first.set.siblings {
                add(
                    meanings.first { name.hasPrefix($0.start) }?.meaning
                        ?? "outside of the encoder", 1)
            }
        }
        for part in source.parts where part.kind == .optimizer {
            add("the state of an optimizer", part.tensors.count)
        }
        others = groups
    }

    /// Lines for people; none where no family recognises anything.
    public var lines: [String] {
        guard let first = encoders.first else { return [] }
        var lines = [
            "family \(first.family.name): \(first.family.title), \(first.tensors) tensors at "
                + first.place
        ]
        let more = encoders.dropFirst().map { encoder in
            encoder.place
                + (encoder.family.name == first.family.name ? "" : " (\(encoder.family.name))")
        }
        if !more.isEmpty {
            lines.append("more encoders, for --part: " + more.joined(separator: ", "))
        }
        if !others.isEmpty {
            lines.append(
                "beside it: "
                    + others.map {
                        "\($0.meaning) (\($0.tensors) tensor\($0.tensors == 1 ? "" : "s"))"
                    }
                    .joined(separator: ", "))
        }
        return lines
    }
}
