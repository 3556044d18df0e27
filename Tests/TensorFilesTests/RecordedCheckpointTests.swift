import Foundation
import Testing

@testable import TensorFiles

/// The recorded checkpoints: files that other programs wrote, with a JSON of their contents.
enum RecordedCheckpoints {
    /// `TESSERA_PARITY`, else the folder beside the package; nil where neither is there.
    static let folder: String? = {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appendingPathComponent("shared/parity")
        let path = ProcessInfo.processInfo.environment["TESSERA_PARITY"] ?? beside.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// Paths relative to the folder of all files below `<family>/checkpoints`.
    static let files: [String] = {
        guard let folder, let all = FileManager.default.enumerator(atPath: folder) else {
            return []
        }
        return all.compactMap { $0 as? String }.filter { path in
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(
                atPath: folder + "/" + path, isDirectory: &isFolder)
            return exists && !isFolder.boolValue
                && path.split(separator: "/").dropFirst().first == "checkpoints"
        }.sorted()
    }()

    /// Files that hold tensors, by their first bytes.
    static let pyTorch = files.filter { start($0, 4) == Array("PK\u{3}\u{4}".utf8) }
    static let safeTensors = files.filter { $0.hasSuffix(".safetensors") }
    static let numpy = files.filter { start($0, 6) == [0x93] + Array("NUMPY".utf8) }

    static func path(_ file: String) -> String { (folder ?? "") + "/" + file }

    static func start(_ file: String, _ count: Int) -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path(file)) else { return [] }
        return [UInt8]((try? handle.read(upToCount: count)) ?? Data())
    }

    static func json(_ file: String) throws -> Any {
        let data = try Data(contentsOf: URL(fileURLWithPath: path(file)))
        return try JSONDecoder().decode(JSONValue.self, from: data).value
    }

    /// Any JSON; unlike `JSONSerialization`, the decoder reads numbers to the last bit.
    private struct JSONValue: Decodable {
        let value: Any

        init(from decoder: any Decoder) throws {
            let single = try decoder.singleValueContainer()
            if let number = try? single.decode(Double.self) {
                value = Int(exactly: number) ?? number
            } else if let text = try? single.decode(String.self) {
                value = text
            } else if let fields = try? single.decode([String: JSONValue].self) {
                value = fields.mapValues(\.value)
            } else if let bool = try? single.decode(Bool.self) {
                value = bool
            } else if single.decodeNil() {
                value = NSNull()
            } else {
                value = try single.decode([JSONValue].self).map(\.value)
            }
        }
    }

    /// The JSON that describes `file`: `file.json`, the same without its extensions, or
    /// `expected.json` in its folder.
    static func description(of file: String) -> String? {
        var stems = [file]
        while let dot = stems[stems.count - 1].lastIndex(of: "."),
            !stems[stems.count - 1][dot...].contains("/")
        {
            stems.append(String(stems[stems.count - 1][..<dot]))
        }
        let folder = file.split(separator: "/").dropLast().joined(separator: "/")
        return (stems.map { $0 + ".json" } + [folder + "/expected.json"]).first(
            where: files.contains)
    }
}

@Suite(
    "Recorded checkpoints",
    .enabled(
        if: RecordedCheckpoints.folder != nil,
        "no recorded checkpoints: set TESSERA_PARITY to the folder that holds them"))
struct RecordedCheckpointTests {
    @Test("every file of tensors is found") func found() {
        let known = Set(
            RecordedCheckpoints.pyTorch + RecordedCheckpoints.safeTensors
                + RecordedCheckpoints.numpy)
        let texts = [".json", ".yaml", ".csv", ".txt", ".jsonl"]
        for file in RecordedCheckpoints.files where !known.contains(file) {
            // What is left is text, or the index of a search library.
            let isText = texts.contains { file.hasSuffix($0) }
            #expect(isText || RecordedCheckpoints.start(file, 2) == Array("Ix".utf8), "\(file)")
        }
        #expect(!RecordedCheckpoints.pyTorch.isEmpty)
    }

    @Test("contents equal the JSON beside the file", arguments: RecordedCheckpoints.pyTorch)
    func contents(file: String) throws {
        let path = RecordedCheckpoints.path(file)
        let contents = try ByteSlice(mapping: path)
        let isScript = try ZipArchive(contents, file: path).entries.contains {
            $0.name.contains("/code/")
        }
        let read = try PyTorchFile(path: path)
        #expect(read.layout == (isScript ? .torchScript : .zip))
        #expect(try read.verify())
        #expect(!"\(read.root)".isEmpty)
        var comparison = Comparison()
        if let beside = RecordedCheckpoints.description(of: file) {
            try comparison.compare(read, with: RecordedCheckpoints.json(beside), file: file)
        } else {
            let folder = file.split(separator: "/").dropLast().joined(separator: "/")
            try comparison.compareBareTensor(
                read, with: RecordedCheckpoints.json(folder + "/codes.json"), file: file)
        }
        #expect(comparison.tensorCount > 0, "nothing was compared")
    }

    @Test("every file has tensors") func tensors() throws {
        for file in RecordedCheckpoints.pyTorch {
            let tensors = try PyTorchFile(path: RecordedCheckpoints.path(file)).tensors()
            #expect(!tensors.isEmpty, "\(file)")
        }
    }

    @Test("safetensors files open", arguments: RecordedCheckpoints.safeTensors)
    func safeTensors(file: String) throws {
        let read = try SafeTensorsFile(path: RecordedCheckpoints.path(file))
        #expect(read.metadata["config"] != nil)
        for name in read.names { #expect(try read.tensor(name).doubles().count > 0) }
    }

    @Test("arrays equal the JSON beside them", arguments: RecordedCheckpoints.numpy)
    func arrays(file: String) throws {
        let read = try NumpyFile(path: RecordedCheckpoints.path(file))
        let folder = file.split(separator: "/").dropLast().joined(separator: "/")
        let all = try RecordedCheckpoints.json(folder + "/codebook.json") as? [String: Any]
        let expected = try #require(all?["centroids"] as? [String: Any])
        var comparison = Comparison()
        comparison.compare(read.tensor, with: expected, at: file)
        let row = try #require(expected["row0"] as? [Double])
        #expect(row.count == read.tensor.shape[1])
        #expect(zip(read.tensor.doubles(), row).allSatisfy { abs($0 - $1) < 1e-7 })
    }
}

/// Compares values of a pickle with a JSON of what Python saw in it.
struct Comparison {
    private(set) var tensorCount = 0

    mutating func compare(_ file: PyTorchFile, with json: Any, file name: String) throws {
        guard let fields = json as? [String: Any], !Self.isTensor(fields) else {
            compare(file.root, with: json, at: name)
            return
        }
        if let content = fields["content"], fields["file"] != nil {
            compare(file.root, with: content, at: name)
        } else if fields["top_level_keys"] != nil {
            try compareTrainerState(file, fields, name)
        } else if fields["about"] != nil {
            try compareDescribed(file, fields, name)
        } else {
            compare(file.root, with: json, at: name)
        }
    }

    /// The whole value against the whole JSON.
    mutating func compare(_ value: PickleValue, with json: Any, at path: String) {
        switch json {
        case is NSNull: #expect(value.isNone, "\(path)")
        case let fields as [String: Any] where Self.isTensor(fields):
            guard let tensor = value.tensor else {
                Issue.record("\(path): no tensor but \(value)")
                return
            }
            compare(tensor, with: fields, at: path)
        case let fields as [String: Any]:
            if let attributes = fields["__Namespace__"] ?? fields["__dict__"] {
                guard case .object(let object) = value.content else {
                    Issue.record("\(path): no object but \(value)")
                    return
                }
                #expect(object.name == fields["__class__"] as? String ?? "argparse.Namespace")
                compare(value, with: attributes, at: path)
                return
            }
            if fields["numpy"] != nil, let number = fields["value"] {
                compare(value, with: number, at: path)
                return
            }
            let children = value.children
            #expect(Set(children.map(\.name)) == Set(fields.keys), "\(path)")
            for (name, child) in children {
                if let expected = fields[name] {
                    compare(child, with: expected, at: path + "." + name)
                }
            }
        case let items as [Any]:
            let children = value.children
            #expect(children.count == items.count, "\(path)")
            for (child, item) in zip(children, items) {
                compare(child.value, with: item, at: path + "." + child.name)
            }
        case let text as String:
            if text.hasPrefix("PosixPath('"), let path = value.string {
                #expect("PosixPath('\(path)')" == text, "\(path)")
            } else {
                #expect(value.string == text, "\(path)")
            }
        case let bool as Bool: #expect(value.bool == bool, "\(path)")
        case let number as Int:
            // JSON writes 1.0 and 1 alike for some programs.
            #expect(value.bool == nil && value.double == Double(number), "\(path)")
        case let number as Double: #expect(value.double == number, "\(path)")
        default: Issue.record("\(path): the JSON has \(json)")
        }
    }

    /// Shape, type, sum and sum of magnitudes; the sums were taken in double precision.
    mutating func compare(_ tensor: TensorRecord, with fields: [String: Any], at path: String) {
        tensorCount += 1
        #expect(tensor.shape == fields["shape"] as? [Int], "\(path)")
        if let type = fields["dtype"] as? String {
            #expect(ElementType(torchName: type) == tensor.elementType, "\(path)")
        }
        let values = tensor.doubles()
        let magnitude = values.reduce(0) { $0 + abs($1) }
        let tolerance = 1e-9 * magnitude + 1e-12
        if let sum = Self.number(fields["sum"]) {
            #expect(abs(values.reduce(0, +) - sum) <= tolerance, "\(path)")
        }
        if let sum = Self.number(fields["abs_sum"] ?? fields["abssum"]) {
            #expect(abs(magnitude - sum) <= tolerance, "\(path)")
        }
    }

    /// Files whose JSON lists parts: `top_level_keys`, `model`, `optimizer_state`, ….
    private mutating func compareTrainerState(
        _ file: PyTorchFile, _ fields: [String: Any], _ name: String
    ) throws {
        #expect(file.root.children.map(\.name) == fields["top_level_keys"] as? [String], "\(name)")
        for key in ["training_state", "grad_scaler", "model"] {
            compare(
                try file.value(at: [key]), with: try #require(fields[key]), at: name + ":" + key)
        }
        compare(
            try file.value(at: ["optimizer", "state"]),
            with: try #require(fields["optimizer_state"]),
            at: name + ":optimizer")
        let groups = try #require(fields["optimizer_param_groups"] as? [[String: Any]])
        for (index, group) in groups.enumerated() {
            let value = try file.value(at: ["optimizer", "param_groups", "\(index)"])
            for (key, expected) in group where key != "params" {
                compare(try #require(value[key]), with: expected, at: "\(name):group.\(key)")
            }
            #expect(value["params"]?.elements?.count == group["params"] as? Int)
        }
    }

    /// Files whose JSON lists a state dict and says where it may be.
    private mutating func compareDescribed(
        _ file: PyTorchFile, _ fields: [String: Any], _ name: String
    ) throws {
        if let keys = fields["top_level"] as? [String] {
            #expect(file.root.children.map(\.name) == keys, "\(name)")
        }
        for key in ["epoch", "version", "arch", "metric"] {
            if let expected = fields[key] {
                compare(try file.value(at: [key]), with: expected, at: name + ":" + key)
            }
        }
        let states = fields.filter { $0.key.hasPrefix("state_dict") }
        #expect(!states.isEmpty, "\(name)")
        for (key, expected) in states {
            let expected = try #require(expected as? [String: [String: Any]])
            let place = [key, "model", "state_dict"].first { file.root[$0] != nil }
            let prefix = fields["strip_prefix"] as? String ?? ""
            let dropped = fields["drop_prefixes"] as? [String] ?? []
            let tensors = try file.tensors(under: place.map { [$0] } ?? []).filter { item in
                !dropped.contains { item.name.hasPrefix($0) }
            }
            #expect(Set(tensors.map(\.name)) == Set(expected.keys.map { prefix + $0 }), "\(name)")
            for (tensorName, tensor) in tensors {
                var recorded = try #require(expected[String(tensorName.dropFirst(prefix.count))])
                if tensorName == "quantize.cluster_size", let tokens = fields["tokens"] {
                    // The JSON was taken after the tokens were computed, which moves this running
                    // mean by 0.01 of their counts.
                    let moved = 0.99 * tensor.doubles().reduce(0, +) + 0.01 * Self.count(tokens)
                    #expect(abs(moved - (Self.number(recorded["sum"]) ?? 0)) < 1e-6)
                    recorded["sum"] = nil
                    recorded["abs_sum"] = nil
                }
                compare(tensor, with: recorded, at: "\(name):\(tensorName)")
            }
        }
    }

    /// A file of a single tensor: one of the entries of `json` has its shape, type and sum.
    mutating func compareBareTensor(_ file: PyTorchFile, with json: Any, file name: String) throws {
        let tensor = try #require(file.root.tensor)
        let entries = try #require(json as? [String: Any]).values.compactMap {
            $0 as? [String: Any]
        }
        let entry = entries.first { fields in
            (fields["dtype"] as? String).flatMap { ElementType(torchName: $0) }
                == tensor.elementType
        }
        compare(tensor, with: try #require(entry), at: name)
    }

    private static func number(_ json: Any?) -> Double? {
        json as? Double ?? (json as? Int).map { Double($0) }
    }

    private static func count(_ json: Any) -> Double {
        (json as? [Any]).map { $0.reduce(0) { $0 + count($1) } } ?? 1
    }

    private static func isTensor(_ fields: [String: Any]) -> Bool {
        fields["shape"] is [Any] && fields["sum"] != nil
    }
}
