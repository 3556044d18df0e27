import Imaging

extension Split {
    /// Names of the folder, or words in the names of shards, that hold the part.
    var words: [String] {
        switch self {
        case .train: ["train", "training"]
        case .validation: ["val", "valid", "validation", "test"]
        case .all: []
        }
    }

    /// The folder within `path` that holds the part; `path` itself for training where it has none.
    func folder(in path: String) throws -> String {
        guard let status = FileStatus(path) else {
            throw DataError(
                .missing, path, "there is no such file or folder",
                remedy: "check the path of the data")
        }
        guard status.isFolder else {
            throw DataError(
                .malformed, path, "is a file, expected a folder of pictures",
                remedy: "give a folder, a .tar file or a text file with a path on each line")
        }
        if let folder = ownFolder(in: path) { return folder }
        guard self != .validation else { throw missing(in: path, "folder") }
        return path
    }

    /// The folder within `path` that is named after the part.
    func ownFolder(in path: String) -> String? {
        words.lazy.map { "\(path)/\($0)" }.first { FileStatus($0)?.isFolder == true }
    }

    /// What is said of data sets that have no part but these, where all is asked for.
    var noteOfTraining: [String] {
        self == .all ? ["these are the training pictures alone: validation are the others"] : []
    }

    func missing(in path: String, _ what: String) -> DataError {
        DataError(
            .missing, path, "has no \(what) \(words.joined(separator: ", "))",
            remedy: "add one, or name the \(what) with the validation pictures itself")
    }

    /// The names that belong to the part by one of their words, as in `set-train-0001.tar`.
    ///
    /// Where no name has a word of any part, all are training; other parts get nil.
    func select(_ names: [String]) -> [String]? {
        guard self != .all else { return names }
        func belongs(_ name: String, to split: Split) -> Bool {
            let file = name.split(separator: "/").last ?? ""
            let words = file.lowercased().split { !$0.isLetter }.map(String.init)
            return words.contains { split.words.contains($0) }
        }
        let own = names.filter { belongs($0, to: self) }
        if !own.isEmpty { return own }
        let other: Split = self == .train ? .validation : .train
        return self == .train && !names.contains { belongs($0, to: other) } ? names : nil
    }
}
