// The form before 0.1.10: a tar archive of `storages`, `tensors` and `pickle`; the object refers
// to tensors by number, tensors to storages.
extension PyTorchFile {
    static func readTar(
        _ contents: ByteSlice, file: String, limits: PickleLimits
    ) throws(TensorFileError) -> Reading {
        let archive = try TarArchive(contents, file: file)
        func part(_ name: String) throws(TensorFileError) -> ByteSlice {
            guard let bytes = archive.files[name] else {
                if let other = archive.others[name] {
                    throw TensorFileError(
                        .malformed, file: file, place: name.quotedForMessage(),
                        problem: "is \(other) in the archive, not a file",
                        remedy: "do not trust the file: torch.save writes no links")
                }
                throw TensorFileError(
                    .malformed, file: file,
                    problem: "is a tar archive without \(name.quotedForMessage())",
                    remedy: "unpack it first, if a checkpoint is inside")
            }
            return bytes
        }
        var storages = try TarPart(part("storages"), "storages", file, limits)
        let storageTable = try storages.readStorages()
        var tensors = try TarPart(part("tensors"), "tensors", file, limits)
        let tensorTable = try tensors.readTensors(over: storageTable)

        var machine = PickleMachine(
            try part("pickle"), file: file, record: "pickle", limits: limits)
        let root = try machine.run()
        for index in machine.store.nodes.indices {
            guard case .persistent(let id) = machine.store.nodes[index],
                let key = StorageReference.key(id, in: machine.store),
                let tensor = tensorTable[key]
            else { continue }
            machine.store[NodeID(index)] =
                switch tensor {
                case .success(let record): machine.store.tensor(record)
                case .failure(let refusal): machine.store.refused(refusal.reason)
                }
        }
        var rebuild = TensorRebuild(machine.store, file: file, storages: [:], limits: limits)
        return Reading(layout: .tar, graph: try rebuild.run(), root: root)
    }
}

/// One member of the archive: pickles and raw numbers in turn.
private struct TarPart {
    struct Storage {
        let kind: StorageReference.Kind
        let bytes: ByteSlice
    }

    struct Refusal: Error { let reason: String }

    let bytes: ByteSlice
    let name: String
    let file: String
    let limits: PickleLimits
    var position = 0

    init(_ bytes: ByteSlice, _ name: String, _ file: String, _ limits: PickleLimits) {
        self.bytes = bytes
        self.name = name
        self.file = file
        self.limits = limits
    }

    /// A count; per storage `(key, place, class)`, the number of elements, the elements; then the
    /// views `(key, key of the root, offset, count)`.
    mutating func readStorages() throws(TensorFileError) -> [String: Storage] {
        var table: [String: Storage] = [:]
        for _ in 0..<(try readCount()) {
            let (store, root) = try readPickle()
            guard let parts = store.tuple(root), parts.count == 3,
                let key = StorageReference.key(parts[0], in: store),
                let kind = StorageReference.kind(parts[2], in: store)
            else { throw failure(.malformed, "has a storage without key or class") }
            let count = try readInt64()
            let (size, overflow) = count.multipliedReportingOverflow(by: kind.byteCount)
            guard !overflow, let data = bytes.slice(at: position, count: size) else {
                throw failure(.truncated, "has \(count) elements beyond its end")
            }
            position += size
            table[key] = Storage(kind: kind, bytes: data)
        }
        let (store, root) = try readPickle()
        for view in store.sequence(root) ?? [] {
            guard let parts = store.sequence(view), parts.count == 4,
                let key = StorageReference.key(parts[0], in: store),
                let rootKey = StorageReference.key(parts[1], in: store),
                let whole = table[rootKey], let offset = store.int(parts[2]),
                let count = store.int(parts[3]), offset >= 0, count >= 0,
                offset <= whole.bytes.count, count <= whole.bytes.count,
                let part = whole.bytes.slice(
                    at: offset * whole.kind.byteCount, count: count * whole.kind.byteCount)
            else { throw failure(.malformed, "has a view outside its storage") }
            table[key] = Storage(kind: whole.kind, bytes: part)
        }
        return table
    }

    /// A count; per tensor `(key, key of the storage, class)`, the number of dimensions in 4 bytes
    /// and 4 more, then shape, strides and offset in 8 bytes each.
    mutating func readTensors(
        over storages: [String: Storage]
    ) throws(TensorFileError) -> [String: Result<TensorRecord, Refusal>] {
        var table: [String: Result<TensorRecord, Refusal>] = [:]
        for _ in 0..<(try readCount()) {
            let (store, root) = try readPickle()
            guard let parts = store.tuple(root), parts.count == 3,
                let key = StorageReference.key(parts[0], in: store),
                let storageKey = StorageReference.key(parts[1], in: store),
                let storage = storages[storageKey]
            else { throw failure(.malformed, "has a tensor without key or storage") }
            let rank = try readInt64() & 0xFFFF_FFFF
            guard rank <= 64 else {
                throw failure(.malformed, "has a tensor of \(rank) dimensions")
            }
            var numbers: [Int] = []
            for _ in 0..<(2 * rank + 1) { numbers.append(try readInt64()) }
            switch storage.kind {
            case .unread(let reason, _): table[key] = .failure(Refusal(reason: reason))
            case .untyped: table[key] = .failure(Refusal(reason: "lies over plain bytes"))
            case .typed(let type):
                do throws(TensorRecord.Misfit) {
                    table[key] = .success(
                        try TensorRecord(
                            type, shape: Array(numbers[..<rank]),
                            strides: Array(numbers[rank..<(2 * rank)]), storage: storage.bytes,
                            storageOffset: numbers[2 * rank]))
                } catch { throw failure(.malformed, "has a tensor that \(error.reason)") }
            }
        }
        return table
    }

    private mutating func readPickle() throws(TensorFileError) -> (PickleStore, NodeID) {
        var machine = PickleMachine(
            bytes, at: position, file: file, record: name, limits: limits)
        let root = try machine.run()
        position = machine.position
        return (machine.store, root)
    }

    private mutating func readCount() throws(TensorFileError) -> Int {
        let (store, root) = try readPickle()
        // Each entry takes more than a byte.
        guard let count = store.int(root), count >= 0, count <= bytes.count else {
            throw failure(.malformed, "does not start with a count")
        }
        return count
    }

    private mutating func readInt64() throws(TensorFileError) -> Int {
        guard let field = bytes.slice(at: position, count: 8) else {
            throw failure(.truncated, "ends inside a number")
        }
        position += 8
        return field.withUnsafeBytes { Int(Int64(littleEndian: $0.loadUnaligned(as: Int64.self))) }
    }

    private func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
        TensorFileError(
            kind, file: file, place: "\(name), byte \(position)", problem: problem,
            remedy: "the file is damaged: fetch or save it again")
    }
}
