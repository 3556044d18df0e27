public import Foundation
import TensorFiles

/// The checkpoints of a run: written atomically, read back, rotated.
///
/// At every instant the newest file that passes its checksum is a whole state of the run: a file
/// gets its name when it is complete, and older ones are removed only after it was verified.
public struct CheckpointStore {
    private let folder: URL
    private let keep: Int

    /// - Parameters:
    ///   - folder: exists.
    ///   - keep: how many checkpoints stay besides the newest.
    public init(_ folder: URL, keep: Int) {
        self.folder = folder
        self.keep = keep
    }

    /// The checkpoints by step, the newest first, verified or not.
    public func all() -> [(step: Int, url: URL)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"),
                let step = Int(name.dropFirst(5).dropLast(12))
            else { return nil }
            return (step, folder.appendingPathComponent(name))
        }.sorted { $0.step > $1.step }
    }

    /// The newest checkpoint whose checksum holds; damaged ones are passed over and reported.
    public func newest(reportingDamaged report: (URL, any Error) -> Void = { _, _ in }) -> URL? {
        for (_, url) in all() {
            do {
                try Self.verify(url)
                return url
            } catch {
                report(url, error)
            }
        }
        return nil
    }

    /// The newest checkpoint of the run in a folder.
    ///
    /// - Throws: `RunFolderError` where none is intact.
    public static func newest(
        ofRun folder: URL, reportingDamaged report: (URL, any Error) -> Void = { _, _ in }
    ) throws -> URL {
        let checkpoints = folder.appendingPathComponent("checkpoints")
        let store = CheckpointStore(checkpoints, keep: 1)
        guard let newest = store.newest(reportingDamaged: report) else {
            throw RunFolderError("\(checkpoints.path) holds no intact checkpoint")
        }
        return newest
    }

    /// Writes a state as the newest checkpoint, verifies it and removes the oldest.
    ///
    /// - Throws: `TensorFileError` where it cannot be written or does not read back; then all older
    ///   checkpoints are still there.
    @discardableResult
    public func save(_ state: TrainingState, metadata: [String: String] = [:]) throws -> URL {
        let digits = String(state.step)
        let padded = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
        let url = folder.appendingPathComponent("step-\(padded).safetensors")
        try state.write(to: url, metadata: metadata)
        try Self.verify(url)
        // Those of later steps do not count: the run resumed before them, so they are damaged.
        for (_, old) in all().filter({ $0.step <= state.step }).dropFirst(keep + 1) {
            try? FileManager.default.removeItem(at: old)
        }
        removeLeftovers()
        return url
    }

    /// The weights with the best score so far, by which no run goes on.
    public var best: URL { folder.appendingPathComponent("best.safetensors") }

    /// The score of the best weights; nil where there are none, or they are damaged.
    public var bestScore: Double? {
        guard (try? Self.verify(best)) != nil else { return nil }
        return (try? SafeTensorsFile(path: best.path))?.metadata["score"].flatMap { Double($0) }
    }

    /// Writes weights in place of the best ones so far.
    ///
    /// - Throws: `TensorFileError` where they cannot be written or do not read back.
    func saveBest(_ state: TrainingState, score: Double, metadata: [String: String]) throws {
        try state.write(to: best, metadata: metadata.merging(["score": "\(score)"]) { $1 })
        try Self.verify(best)
    }

    /// Removes temporary files that a killed process left.
    private func removeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix(".") && name.contains(".safetensors") {
            try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
    }

    private static func verify(_ url: URL) throws {
        let file = try SafeTensorsFile(path: url.path)
        guard try file.verify() else {
            throw RunFolderError("\(url.path) has no checksum: it was not written by a run")
        }
    }
}
