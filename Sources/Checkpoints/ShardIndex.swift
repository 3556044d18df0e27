import Foundation
import TensorFiles

/// The index of a checkpoint in several files: which tensor is in which.
///
/// `{"metadata": {…}, "weight_map": {"blocks.0.norm1.weight": "model-00001-of-00002.safetensors"}}`.
struct ShardIndex {
    let path: String
    private let places: [String: String]

    private struct Contents: Decodable {
        let weightMap: [String: String]

        private enum CodingKeys: String, CodingKey {
            case weightMap = "weight_map"
        }
    }

    /// Reads the index at `path`; throws `TensorFileError` where it is none.
    init(path: String) throws(TensorFileError) {
        self.path = path
        let data = try BoundedFile.contents(path, limit: 1 << 26)
        guard let contents = try? JSONDecoder().decode(Contents.self, from: data),
            !contents.weightMap.isEmpty
        else {
            throw TensorFileError(
                .malformed, file: path, place: "weight_map",
                problem: "is no map from tensors to files", remedy: "fetch it again")
        }
        // A name must not lead out of the folder.
        for (name, file) in contents.weightMap
        where file.contains("/") || file.hasPrefix(".") || file.isEmpty {
            throw TensorFileError(
                .malformed, file: path, place: name.quotedForMessage(),
                problem: "is said to be in \(file.quotedForMessage()), which is no file beside it")
        }
        places = contents.weightMap
    }

    /// The names of the files, sorted.
    var files: [String] { Set(places.values).sorted() }

    /// The tensors of the files as one set; throws where one is missing or in none of them.
    func join(_ files: [(path: String, file: CheckpointFile)]) throws -> StateDictionary {
        var tensors: [(name: String, tensor: TensorRecord)] = []
        let names = Dictionary(grouping: places.keys) { places[$0] ?? "" }
        for (shard, file) in files {
            let name = URL(fileURLWithPath: shard).lastPathComponent
            let expected = Set(names[name] ?? [])
            let found = try file.tensors().filter { expected.contains($0.name) }
            let missing = expected.subtracting(found.map(\.name)).sorted()
            guard missing.isEmpty else {
                throw TensorFileError(
                    .missingKey, file: shard, place: missing[0].quotedForMessage(),
                    problem: "is missing, though \(path) says that it is here",
                    remedy: "the files are of different checkpoints: fetch them again")
            }
            tensors += found
        }
        return StateDictionary(keys: [], kind: .weights, tensors: tensors)
    }
}
