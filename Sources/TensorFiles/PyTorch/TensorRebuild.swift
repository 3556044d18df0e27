/// Turns the recorded calls that stand for tensors into tensors over the storages of the file.
///
/// One pass in the order in which the pickle made its values: the arguments of a call come before
/// it. Only the functions named here are interpreted, everything else stays a record.
struct TensorRebuild {
    var store: PickleStore
    let file: String
    /// Bytes by key of storage.
    let storages: [String: ByteSlice]
    let isBigEndian: Bool
    /// Whether storages may hold whole files, which hold storages.
    let allowsNestedFiles: Bool
    let limits: PickleLimits
    /// Storages inside the pickle; nil for files that are none.
    private var nested: [NodeID: NestedStorage?] = [:]
    private var nestedBytes = 0
    private var textBytes: [NodeID: ByteSlice] = [:]

    struct NestedStorage {
        let kind: StorageReference.Kind
        let bytes: ByteSlice
    }

    init(
        _ store: PickleStore, file: String, storages: [String: ByteSlice],
        isBigEndian: Bool = false, allowsNestedFiles: Bool = true, limits: PickleLimits
    ) {
        self.store = store
        self.file = file
        self.storages = storages
        self.isBigEndian = isBigEndian
        self.allowsNestedFiles = allowsNestedFiles
        self.limits = limits
    }

    mutating func run() throws(TensorFileError) -> PickleGraph {
        for index in store.nodes.indices {
            let id = NodeID(index)
            guard let object = store.object(id), let function = store.global(object.callable),
                let arguments = store.tuple(object.arguments)
            else { continue }
            let call = Call(function: function, arguments: arguments, state: object.state)
            if let value = try rebuild(call) {
                store[id] = value
            } else if let value = try numpyValue(call) {
                store[id] = value
            }
        }
        return PickleGraph(store)
    }

    /// A recorded call of a named function.
    struct Call {
        let function: PickleGlobal
        let arguments: [NodeID]
        let state: NodeID?
    }

    private mutating func rebuild(_ call: Call) throws(TensorFileError) -> PickleNode? {
        let arguments = call.arguments
        switch (call.function.module, call.function.name) {
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
            return try tensor(arguments)
        case ("torch._utils", "_rebuild_tensor_v3") where arguments.count >= 7:
            guard let name = store.global(arguments[6]), name.module == "torch" else { return nil }
            guard let type = ElementType(torchName: name.name) else {
                return store.refused("has elements of type \(name.name.quotedForMessage())")
            }
            return try tensor(arguments, as: type)
        case ("torch._utils", "_rebuild_parameter"),
            ("torch._utils", "_rebuild_parameter_with_state"),
            ("torch._utils", "_rebuild_device_tensor_from_numpy"),
            ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
            ("torch._utils", "_rebuild_xla_tensor"), ("torch.nn.parameter", "Parameter"):
            return arguments.first.flatMap { tensorOrRefusal($0) }
        case ("torch._tensor", "_rebuild_from_type_v2"), ("torch._tensor", "_rebuild_from_type"):
            // (function, class, arguments, state): a subclass of Tensor or Parameter.
            guard arguments.count >= 3, let function = store.global(arguments[0]),
                let inner = store.tuple(arguments[2]), !function.name.contains("from_type")
            else { return nil }
            return try rebuild(Call(function: function, arguments: inner, state: nil))
        case ("torch._utils", "_rebuild_qtensor"):
            return store.refused("is quantised; dequantise it before saving")
        case ("torch._utils", "_rebuild_sparse_tensor"),
            ("torch._utils", "_rebuild_sparse_csr_tensor"):
            return store.refused("is sparse; call to_dense() before saving")
        case ("torch._utils", "_rebuild_nested_tensor"): return store.refused("is a nested tensor")
        case ("torch._utils", "_rebuild_meta_tensor_no_storage"):
            return store.refused("was on the meta device: its values were never saved")
        default: return nil
        }
    }

    private func tensorOrRefusal(_ id: NodeID) -> PickleNode? {
        switch store[id] {
        case .tensor, .refused: store[id]
        default: nil
        }
    }

    /// `(storage, offset, shape, strides, …)`; `type` where the storage is untyped.
    private mutating func tensor(
        _ arguments: [NodeID], as type: ElementType? = nil
    ) throws(TensorFileError) -> PickleNode? {
        guard arguments.count >= 4 else { return nil }
        guard let offset = store.int(arguments[1]), let shape = store.ints(arguments[2]),
            let strides = store.ints(arguments[3])
        else { throw failure("has a tensor whose offset, shape or strides are no integers", nil) }
        if let reason = lazyView(arguments) { return store.refused(reason) }
        let key: String?
        let kind: StorageReference.Kind
        let bytes: ByteSlice
        if case .persistent(let id) = store[arguments[0]] {
            guard let reference = StorageReference(id, in: store) else {
                return store.refused("lies over a storage of an unknown class")
            }
            (key, kind) = (reference.key, reference.kind)
            if case .unread(let reason, _) = kind { return store.refused(reason) }
            guard let found = try storageBytes(reference) else {
                return store.refused("lies over a storage that is not in the file")
            }
            bytes = found
        } else if let found = try nestedStorage(arguments[0]) {
            (key, kind, bytes) = (nil, found.kind, found.bytes)
            if case .unread(let reason, _) = kind { return store.refused(reason) }
        } else {
            return store.refused("lies over a storage that is not in the file")
        }
        guard let elementType = type ?? { if case .typed(let t) = kind { t } else { nil } }() else {
            return store.refused("lies over plain bytes without a type")
        }
        return try record(
            elementType, shape, strides, offset, bytes, isBigEndian: isBigEndian, key: key)
    }

    /// Conjugate and negative bits, which would have to be applied to the values.
    private func lazyView(_ arguments: [NodeID]) -> String? {
        guard let last = arguments.last, arguments.count >= 7, case .dict(let pairs) = store[last],
            // More than all known bits; a long one could be given to a million tensors.
            pairs.count <= 32,
            stride(from: 1, to: pairs.count, by: 2).contains(where: {
                if case .bool(true) = store[pairs[$0]] { return true }
                return false
            })
        else { return nil }
        return "is a lazy conjugate or negative; call resolve_neg() before saving"
    }

    mutating func record(
        _ type: ElementType, _ shape: [Int], _ strides: [Int], _ offset: Int, _ bytes: ByteSlice,
        isBigEndian: Bool, key: String?
    ) throws(TensorFileError) -> PickleNode {
        // A call takes few bytes of the file, a tensor hundreds of memory.
        guard store.tensors.count < limits.names else {
            throw TensorFileError(
                .limit, file: file, problem: "makes more than \(limits.names) tensors",
                remedy: "no honest checkpoint needs that: do not trust this file")
        }
        let made: TensorRecord
        do throws(TensorRecord.Misfit) {
            made = try TensorRecord(
                type, shape: shape, strides: strides, storage: bytes, storageOffset: offset,
                isBigEndian: isBigEndian)
        } catch { throw failure("has a tensor that \(error.reason)", key) }
        return store.tensor(made)
    }

    private func storageBytes(
        _ reference: StorageReference
    ) throws(TensorFileError) -> ByteSlice? {
        guard let whole = storages[reference.view?.key ?? reference.key] else { return nil }
        let size = reference.kind.byteCount
        let offset = reference.view?.offset ?? 0
        let count = reference.view?.count ?? reference.count
        guard offset <= whole.count / size, count <= whole.count / size - offset,
            let part = whole.slice(at: offset * size, count: count * size)
        else {
            throw failure(
                "has \(whole.count) bytes, \(offset) + \(count) elements of \(size) bytes are "
                    + "expected", reference.key)
        }
        return part
    }

    /// `torch.storage._load_from_bytes(bytes)`: a storage as a file of its own, from plain pickles.
    private mutating func nestedStorage(
        _ id: NodeID
    ) throws(TensorFileError) -> NestedStorage? {
        guard allowsNestedFiles, let object = store.object(id),
            store.global(object.callable)
                == PickleGlobal(module: "torch.storage", name: "_load_from_bytes"),
            let argument = store.tuple(object.arguments)?.first,
            let bytes = bytes(argument)
        else { return nil }
        if let known = nested[argument] { return known }
        nestedBytes += bytes.count
        guard nestedBytes <= limits.unpackedBytes else {
            throw failure("holds files inside of more than \(limits.unpackedBytes) bytes", nil)
        }
        let found = try PyTorchFile.storage(in: bytes, file: file, limits: limits)
        nested.updateValue(found, forKey: argument)
        return found
    }

    /// The bytes of a value, a text of Python 2 among them; a text is converted once, however
    /// often it is used.
    mutating func bytes(_ id: NodeID) -> ByteSlice? {
        switch store[id] {
        case .bytes(let index): return store.slices[Int(index)]
        case .string(let text):
            if let known = textBytes[id] { return known }
            let made = ByteSlice(copying: text.utf8)
            textBytes[id] = made
            return made
        default: return nil
        }
    }

    func failure(_ problem: String, _ key: String?) -> TensorFileError {
        TensorFileError(
            .malformed, file: file, place: key.map { "storage \($0.quotedForMessage())" },
            problem: problem, remedy: "the file is damaged: fetch or save it again")
    }
}
