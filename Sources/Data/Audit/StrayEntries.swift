import Foundation
import Glibc
import Imaging

/// Entries of the folders of a data set that are no pictures of it.
struct StrayEntries {
    private(set) var findings: [Finding] = []
    private var counts: [FindingKind: Int] = [:]
    private var examples: [FindingKind: [Finding.Example]] = [:]
    private var otherEndings: [String: (count: Int, example: String)] = [:]
    private let mostExamples: Int

    /// Deeper folders are not looked into.
    private static let mostDepth = 64

    /// Looks at the parts that are folders of pictures; at others there is nothing to see.
    init(_ parts: [AuditPart], _ options: AuditOptions) {
        mostExamples = options.examples
        for case let folder as ImageFolder in parts.map(\.source) {
            visit(folder.path, above: [])
        }
        if !otherEndings.isEmpty {
            let sorted = otherEndings.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            counts[.otherFile] = sorted.reduce(0) { $0 + $1.value.count }
            examples[.otherFile] = sorted.prefix(mostExamples).map { ending, found in
                let kind = ending.isEmpty ? "without an ending" : ".\(ending)"
                return .init(found.example, "\(kind): \(found.count)")
            }
        }
        findings = FindingKind.allCases.compactMap { kind in
            counts[kind].map { Finding(kind, count: $0, examples: examples[kind] ?? []) }
        }
    }

    private mutating func note(_ kind: FindingKind, _ path: String, _ detail: String = "") {
        counts[kind, default: 0] += 1
        if examples[kind, default: []].count < mostExamples {
            examples[kind, default: []].append(.init(path, detail))
        }
    }

    private mutating func visit(_ path: String, above: [[UInt64]]) {
        guard let status = FileStatus(path), !above.contains(status.identity),
            above.count < Self.mostDepth
        else { return }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            return note(.unreadableFolder, path)
        }
        for name in names.sorted() where !name.hasPrefix(".") {
            let entry = "\(path)/\(name)"
            let ending = Self.ending(name)
            let isPictureName = PictureEndings.kind(Array(name.utf8)) == .picture
            guard let target = FileStatus(entry) else {
                note(.brokenLink, entry, String(cString: strerror(errno)))
                continue
            }
            if target.isFolder {
                if isPictureName { note(.pictureNamedFolder, entry) }
                visit(entry, above: above + [status.identity])
            } else if !target.isRegularFile {
                note(.specialFile, entry)
            } else if !isPictureName {
                otherEndings[ending, default: (0, entry)].count += 1
            }
        }
    }

    /// What follows the last dot, in lower case; the names of few kinds of files are kept.
    private static func ending(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last, last.utf8.count <= 16 else { return "" }
        return last.lowercased()
    }
}
