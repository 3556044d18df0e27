import Foundation
import TensorFiles

/// A model's line of results, in the names and roundings of timm's `validate.py`.
struct ValidationResult: Codable {
    var model: String
    var top1: Double?
    var top1Error: Double?
    var top5: Double?
    var top5Error: Double?
    var loss: Double?
    var parameterCount: Double?
    var imageSize: Int?
    var cropPercent: Double?
    var interpolation: String?
    var batchSize: Int?
    /// Pictures that count.
    var pictures: Int?
    var badFiles: Int?
    /// Why there are no numbers.
    var error: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case model, top1
        case top1Error = "top1_err"
        case top5
        case top5Error = "top5_err"
        case loss
        case parameterCount = "param_count"
        case imageSize = "img_size"
        case cropPercent = "crop_pct"
        case interpolation
        case batchSize = "batch_size"
        case pictures
        case badFiles = "bad_files"
        case error
    }

    init(model: String) { self.model = model }

    static func rounded(_ value: Double, _ digits: Int = 4) -> Double {
        let scale = pow(10, Double(digits))
        return (value * scale).rounded(.toNearestOrEven) / scale
    }

    /// The best first; those without numbers last, in their order.
    static func sorted(_ results: [ValidationResult]) -> [ValidationResult] {
        results.enumerated().sorted { a, b in
            let (x, y) = (a.element.top1 ?? -1, b.element.top1 ?? -1)
            return x != y ? x > y : a.offset < b.offset
        }.map(\.element)
    }

    /// What people read.
    var text: String {
        guard let top1, let top5 else { return "\(model)  \(error ?? "no result")" }
        var text = String(format: "%6.2f %%  %6.2f %%  ", top1, top5) + model
        if let badFiles, badFiles > 0 { text += "  (\(badFiles) bad files)" }
        return text
    }

    enum Form: String, CaseIterable { case csv, json }

    /// Writes results to a file, whole or not at all.
    static func write(_ results: [ValidationResult], to path: String, as form: Form) throws {
        let text: String
        switch form {
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            text = String(decoding: try encoder.encode(results), as: UTF8.self) + "\n"
        case .csv:
            let keys = CodingKeys.allCases.map(\.rawValue)
            let rows = try results.map { result in
                let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result))
                let values = object as? [String: Any] ?? [:]
                return keys.map { field(values[$0]) }.joined(separator: ",")
            }
            text = ([keys.joined(separator: ",")] + rows).joined(separator: "\n") + "\n"
        }
        let file = try AtomicFile(path: path)
        try Array(text.utf8).withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    /// A field of a table; texts with commas, quotes or ends of lines in quotes.
    private static func field(_ value: Any?) -> String {
        guard let value else { return "" }
        let text = "\(value)"
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
