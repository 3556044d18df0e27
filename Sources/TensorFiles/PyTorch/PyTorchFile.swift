/// A checkpoint of PyTorch, or any pickle, read as data.
///
/// Reads what `torch.save` has written since 2016 (the zip form, the older single stream, the
/// oldest tar) and bare pickles, with NumPy's arrays and scalars. Nothing in the file is executed,
/// whatever it asks for. Tensors stay where the file has them.
///
/// ```swift
/// let file = try PyTorchFile(path: "checkpoint.pth")
/// for (name, tensor) in try file.tensors(under: ["model"]) { print(name, tensor) }
/// let rate = try file.value(at: ["args", "lr"]).double
/// ```
public final class PyTorchFile: Sendable {
    /// The forms in which checkpoints are written.
    public enum Layout: String, Sendable {
        /// `torch.save` since version 1.6.
        case zip
        /// `torch.jit.save`: the same with programs beside it, which are not looked at.
        case torchScript
        /// `torch.save` before: pickles, then the storages, in one stream.
        case legacy
        /// `torch.save` before 0.1.10.
        case tar
        /// A pickle without storages beside it.
        case pickle
    }

    public let path: String
    public let layout: Layout
    /// The saved object.
    public let root: PickleValue
    private let limits: PickleLimits
    private let archive: ZipArchive?

    public convenience init(
        path: String, limits: PickleLimits = PickleLimits()
    ) throws(TensorFileError) {
        try self.init(path: path, contents: ByteSlice(mapping: path), limits: limits)
    }

    /// Reads `contents` as the file that messages call `path`.
    package init(
        path: String, contents: ByteSlice, limits: PickleLimits = PickleLimits()
    ) throws(TensorFileError) {
        let read = try Self.read(contents, file: path, limits: limits)
        self.path = path
        self.limits = limits
        layout = read.layout
        root = PickleValue(graph: read.graph, id: read.root)
        archive = read.archive
    }

    /// The value at a path of keys, indices and attribute names.
    public func value(at keys: [String]) throws(TensorFileError) -> PickleValue {
        var value = root
        for (index, key) in keys.enumerated() {
            guard let next = value[key] else {
                let names = value.children.prefix(20).map { $0.name.quotedForMessage(limit: 40) }
                throw TensorFileError(
                    .missingKey, file: path,
                    place: index == 0 ? nil : keys[..<index].joined(separator: "."),
                    problem: "has no entry \(key.quotedForMessage())",
                    remedy: names.isEmpty ? nil : "it has " + names.joined(separator: ", "))
            }
            value = next
        }
        return value
    }

    /// The tensors under a path, with dotted names from there, in the order of the file.
    ///
    /// - Throws: also where one of them is of a kind that is not read (quantised, sparse, …).
    public func tensors(
        under keys: [String] = []
    ) throws(TensorFileError) -> [(name: String, tensor: TensorRecord)] {
        let all = try scan(under: keys)
        if let first = all.refused.first {
            throw TensorFileError(
                .unsupported, file: path, place: (keys + first.path).joined(separator: "."),
                problem: "is a tensor that \(first.reason)")
        }
        var seen: Set<String> = []
        var result: [(name: String, tensor: TensorRecord)] = []
        for (keys, tensor) in all.found {
            let name = keys.joined(separator: ".")
            guard seen.insert(name).inserted else {
                throw TensorFileError(
                    .malformed, file: path, place: name.quotedForMessage(),
                    problem: "names two tensors")
            }
            result.append((name, tensor))
        }
        return result
    }

    /// The tensors under a path, those that are not read among them with the reason.
    public func scan(under keys: [String] = []) throws(TensorFileError) -> PickleValue.Tensors {
        let start = try value(at: keys)
        do throws(PickleValue.WalkFault) {
            return try start.tensors(limits: limits)
        } catch {
            throw TensorFileError(
                .limit, file: path, place: (keys + error.path.prefix(10)).joined(separator: "."),
                problem: error.reason, remedy: "name the part that you need")
        }
    }

    /// Compares every record with its checksum; only the zip form has them.
    ///
    /// - Returns: false where the form has no checksums.
    @discardableResult
    public func verify() throws(TensorFileError) -> Bool {
        guard let archive else { return false }
        var budget = limits.unpackedBytes
        for entry in archive.entries where entry.checksum != 0 || entry.size == 0 {
            try archive.verify(entry, try archive.bytes(of: entry, budget: &budget))
        }
        return true
    }

    /// Compares every record with its checksum, and goes on after a damaged one.
    ///
    /// - Returns: how many records were compared, and what is wrong with the damaged ones; nil where
    ///   the form has no checksums.
    public func checkRecords() -> (compared: Int, damaged: [TensorFileError])? {
        guard let archive else { return nil }
        var budget = limits.unpackedBytes
        var compared = 0
        var damaged: [TensorFileError] = []
        for entry in archive.entries where entry.checksum != 0 || entry.size == 0 {
            compared += 1
            do throws(TensorFileError) {
                try archive.verify(entry, try archive.bytes(of: entry, budget: &budget))
            } catch { damaged.append(error) }
        }
        return (compared, damaged)
    }
}
