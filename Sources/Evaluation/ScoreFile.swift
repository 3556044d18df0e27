import Foundation
import TensorFiles

/// The list of scores in a run folder, `scores.json`.
public enum ScoreFile {
    /// Adds scores to the list in a file, which is made if it is not there.
    ///
    /// With `replacing`, a protocol, they take the place of all of its scores.
    ///
    /// The file is replaced whole or not at all. What others wrote into the list stays as it was,
    /// keys that this version does not know too.
    ///
    /// - Throws: `EvaluationError` where the file is no list, or a score is not finite;
    ///   `TensorFileError` where it cannot be written.
    public static func append(_ scores: [Score], to path: String, replacing old: String? = nil)
        throws
    {
        for score in scores where !score.value.isFinite {
            throw EvaluationError(
                "\(score.protocol) \(score.metric) is \(score.value), which JSON cannot hold")
        }
        var list = try FileManager.default.fileExists(atPath: path) ? readList(path) : []
        if let old { list.removeAll { ($0 as? [String: Any])?["protocol"] as? String == old } }
        let encoded = try JSONEncoder().encode(scores)
        list += try JSONSerialization.jsonObject(with: encoded) as? [Any] ?? []
        let data = try JSONSerialization.data(
            withJSONObject: list, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        let file = try AtomicFile(path: path)
        try data.withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    /// The scores of a file, in the order in which they were added.
    public static func read(_ path: String) throws -> [Score] {
        let list = try readList(path)
        do {
            return try JSONDecoder().decode(
                [Score].self, from: JSONSerialization.data(withJSONObject: list))
        } catch {
            throw EvaluationError(
                "\(path) is not a list of {protocol, metric, value, settings}; "
                    + "move it away and evaluate again (\(error))")
        }
    }

    private static func readList(_ path: String) throws -> [Any] {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw EvaluationError("\(path) cannot be read: \(error.localizedDescription)")
        }
        guard let list = try? JSONSerialization.jsonObject(with: data) as? [Any] else {
            throw EvaluationError(
                "\(path) is not a JSON list of scores; move it away and evaluate again")
        }
        return list
    }
}
