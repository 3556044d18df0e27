import TensorFiles

/// Prints findings as they come, and counts them for the end.
struct CheckpointFindingReport: Encodable {
    private let file: String
    /// The form of the file; nil where it could not be opened.
    var form: String?
    var tensors = 0
    /// What checksums cover: `42 records`, `header and data`; nil where there are none.
    var checksums: String?
    private(set) var errors = 0
    private(set) var warnings = 0
    private(set) var notes = 0

    private let isJSON: Bool
    private var listed: [CheckpointFinding.Kind: Int] = [:]

    /// Findings of one kind that are listed as text.
    private static let mostListed = 20

    private enum CodingKeys: String, CodingKey {
        case file
        case form
        case tensors
        case checksums
        case errors
        case warnings
        case notes
    }

    init(file: String, isJSON: Bool) { (self.file, self.isJSON) = (file, isJSON) }

    mutating func add(_ finding: CheckpointFinding) throws {
        switch finding.severity {
        case .error: errors += 1
        case .warning: warnings += 1
        case .note: notes += 1
        }
        if isJSON {
            try JSONLine.write(finding)
            return
        }
        let number = (listed[finding.kind] ?? 0) + 1
        listed[finding.kind] = number
        guard number <= Self.mostListed else { return }
        let place = finding.place.map { $0.withoutControlCharacters + ": " } ?? ""
        print("\(finding.severity.rawValue.padded(to: 7))  \(place)\(finding.detail)")
    }

    /// Adds what is wrong with the file itself.
    mutating func add(_ error: TensorFileError) throws {
        try add(
            CheckpointFinding(
                severity: .error, kind: error.kind == .checksum ? .checksum : .structure,
                place: error.place,
                detail: error.problem + (error.remedy.map { "; \($0)" } ?? "")))
    }

    /// Prints the counts.
    func finish() throws {
        if isJSON {
            try JSONLine.write(self)
            return
        }
        for (kind, count) in listed.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where count > Self.mostListed {
            print("         … \(count - Self.mostListed) more of \(kind.rawValue): see --json")
        }
        let counts = [(errors, "error"), (warnings, "warning"), (notes, "note")]
            .filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)\($0.0 == 1 ? "" : "s")" }
        let facts: [String?] = [
            form, "\(grouped(tensors)) tensors",
            checksums.map { "checksums of \($0)" } ?? "no checksums",
            counts.isEmpty ? "nothing found" : counts.joined(separator: ", "),
        ]
        print("\(file): " + facts.compactMap { $0 }.joined(separator: "; "))
    }
}
