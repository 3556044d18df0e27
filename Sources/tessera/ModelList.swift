import Checkpoints
import Foundation

/// The checkpoints that a user names, and lists of numbers.
enum ModelList {
    private static let endings = [".pth.tar", ".pth", ".pt", ".safetensors"]

    /// Files as they are, and folders that are one checkpoint or a run; of other folders their
    /// checkpoints in the order of their names, numbers as numbers; of texts the path on each line.
    static func files(_ names: [String]) throws -> [String] {
        try names.flatMap { name -> [String] in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) else {
                throw UsageError("\(name) does not exist: --weights takes checkpoints")
            }
            if isFolder.boolValue {
                if CheckpointSource.isCheckpoint(folder: name)
                    || (try? NamedRun(of: URL(fileURLWithPath: name))) != nil
                {
                    return [name]
                }
                let found = try FileManager.default.contentsOfDirectory(atPath: name)
                    .filter { file in endings.contains { file.hasSuffix($0) } }
                    .sorted { isBefore($0, $1) }
                guard !found.isEmpty else {
                    throw UsageError("\(name) has no \(endings.joined(separator: ", ")) file")
                }
                return found.map { "\(name)/\($0)" }
            }
            guard name.hasSuffix(".txt") else { return [name] }
            let lines = try String(contentsOfFile: name, encoding: .utf8)
                .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty && !$0.hasPrefix("#") }
            guard !lines.isEmpty else { throw UsageError("\(name) names no checkpoint") }
            return lines
        }
    }

    /// The number on each line of a text.
    static func numbers(_ path: String) throws -> [Int] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw UsageError("\(path) cannot be read")
        }
        return try text.split(separator: "\n").map { line in
            guard let number = Int(line.trimmingCharacters(in: .whitespaces)), number >= 0 else {
                throw UsageError("\(path): '\(line)' is no class number")
            }
            return number
        }
    }

    /// `checkpoint-9` before `checkpoint-10`.
    static func isBefore(_ a: String, _ b: String) -> Bool {
        func parts(_ text: String) -> [(text: String, number: Int?)] {
            var parts: [(String, Int?)] = []
            var rest = Substring(text)
            while let first = rest.first {
                let isNumber = first.isASCII && first.isNumber
                let part = rest.prefix { ($0.isASCII && $0.isNumber) == isNumber }
                parts.append((String(part), isNumber ? Int(part) : nil))
                rest = rest[part.endIndex...]
            }
            return parts
        }
        for (x, y) in zip(parts(a), parts(b)) where x.text != y.text {
            if let m = x.number, let n = y.number, m != n { return m < n }
            return x.text < y.text
        }
        return a.count != b.count ? a.count < b.count : a < b
    }
}
