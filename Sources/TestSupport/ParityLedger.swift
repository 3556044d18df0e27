import Foundation
import Synchronization

/// Which recorded results the tests of a process compared, and the report of it at its end.
///
/// A case is claimed when each of its results was compared and close, or was set aside with a
/// reason; it failed when one was not close, or when a test that read it left one out.
public final class ParityLedger: Sendable {
    private struct Entry {
        let family: String
        let name: String
        let results: Set<String>
        var close: Set<String> = []
        var setAside: [String: String] = [:]
        var failed = false

        var uncompared: Set<String> { results.subtracting(close).subtracting(setAside.keys) }
        var isClaimed: Bool { !failed && uncompared.isEmpty && !close.isEmpty }
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let folder: ParityFolder

    public init(folder: ParityFolder) {
        self.folder = folder
    }

    /// The ledger of the folder in use; prints its report when the process ends.
    public static let shared: ParityLedger = {
        atexit {
            // Not print: the line must come out whole and after everything the tests wrote.
            fflush(nil)
            FileHandle.standardOutput.write(Data(ParityLedger.shared.report().utf8))
        }
        return ParityLedger(folder: .inUse)
    }()

    private static func key(_ item: ParityCase) -> String { item.testDescription }

    func open(_ item: ParityCase, results: [String]) {
        entries.withLock { entries in
            guard entries[Self.key(item)] == nil else { return }
            entries[Self.key(item)] = Entry(
                family: item.family, name: item.name, results: Set(results))
        }
    }

    func note(_ item: ParityCase, compared name: String, isClose: Bool) {
        update(item) { entry in
            entry.close.insert(name)
            if !isClose { entry.failed = true }
        }
    }

    func note(_ item: ParityCase, setAside name: String, because reason: String) {
        update(item) { $0.setAside[name] = reason }
    }

    func noteFailure(_ item: ParityCase) {
        update(item) { $0.failed = true }
    }

    func uncompared(_ item: ParityCase) -> [String] {
        entries.withLock { $0[Self.key(item)]?.uncompared.sorted() ?? [] }
    }

    private func update(_ item: ParityCase, _ body: (inout Entry) -> Void) {
        entries.withLock { entries in
            guard var entry = entries[Self.key(item)] else { return }
            body(&entry)
            entries[Self.key(item)] = entry
        }
    }

    /// Counts for each family with the cases nobody claimed, what was set aside, and the last line
    /// `parity: C claimed, P present, F failed`; empty where no case was read.
    public func report() -> String {
        let entries = entries.withLock { $0 }
        guard !entries.isEmpty else { return "" }
        var lines = ["", "parity cases of \(folder.path)"]
        for entry in entries.values.sorted(by: { $0.name < $1.name }) {
            let reasons = Dictionary(grouping: entry.setAside, by: \.value)
            for (reason, names) in reasons.sorted(by: { $0.key < $1.key }) {
                let shown = names.map(\.key).sorted().joined(separator: ", ")
                lines.append("set aside \(entry.family)/\(entry.name): \(shown): \(reason)")
            }
        }
        var claimedCount = 0
        var presentCount = 0
        var failed: [String] = []
        for family in folder.families {
            let names = folder.caseNames(in: family)
            let read = entries.values.filter { $0.family == family }
            let claimed = Set(read.filter(\.isClaimed).map(\.name)).intersection(names)
            failed += read.filter { !$0.isClaimed }.map { "\(family)/\($0.name)" }
            claimedCount += claimed.count
            presentCount += names.count
            lines.append("parity \(family): \(claimed.count) claimed / \(names.count) present")
            let unclaimed = names.filter { !claimed.contains($0) }
            if !unclaimed.isEmpty {
                lines.append("  unclaimed: \(unclaimed.joined(separator: " "))")
            }
        }
        if !failed.isEmpty { lines.append("failed: \(failed.sorted().joined(separator: " "))") }
        lines.append(
            "parity: \(claimedCount) claimed, \(presentCount) present, \(failed.count) failed")
        return lines.joined(separator: "\n") + "\n"
    }
}
