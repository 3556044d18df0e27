/// How many pictures each class has, in each part.
struct ClassCensus {
    let counts: [AuditReport.ClassCount]

    init(_ parts: [AuditPart]) {
        var names: [String] = []
        var places: [String: Int] = [:]
        for name in parts.flatMap(\.source.classNames) where places[name] == nil {
            places[name] = names.count
            names.append(name)
        }
        var counts = [[Int]](
            repeating: Array(repeating: 0, count: parts.count), count: names.count)
        for (part, item) in parts.enumerated() {
            let source = item.source
            let own = source.classNames.map { places[$0] ?? 0 }
            for index in 0..<source.count {
                if let label = source.label(at: index) { counts[own[label]][part] += 1 }
            }
        }
        self.counts = zip(names, counts).map { .init(name: $0, pictures: $1) }
    }

    func findings(_ options: AuditOptions) -> [Finding] {
        var findings: [Finding] = []
        let totals = counts.map { (name: $0.name, count: $0.pictures.reduce(0, +)) }
        let empty = totals.filter { $0.count == 0 }
        if !empty.isEmpty {
            findings.append(
                Finding(
                    .emptyClass, count: empty.count,
                    examples: empty.prefix(options.examples).map { .init($0.name) }))
        }
        // Validation pictures are often even, and would hide what training sees.
        let training = counts.map { (name: $0.name, count: $0.pictures[0]) }
        let filled = training.filter { $0.count > 0 }.sorted { $0.count < $1.count }
        if let least = filled.first, let most = filled.last,
            Double(most.count) > options.imbalance * Double(least.count)
        {
            let small = filled.filter {
                Double(most.count) > options.imbalance * Double($0.count)
            }
            findings.append(
                Finding(
                    .imbalance, count: small.count,
                    examples: small.prefix(options.examples).map {
                        .init($0.name, "\($0.count), against \(most.count) of \(most.name)")
                    }))
        }
        return findings
    }
}
