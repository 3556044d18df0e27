/// What a pickle says about a storage that lies beside it: `('storage', class, key, place, count)`.
struct StorageReference {
    /// The type of the elements that a storage class stands for.
    enum Kind: Equatable {
        case typed(ElementType)
        /// Plain bytes; the tensors over them say their type.
        case untyped
        case unread(reason: String, byteCount: Int)

        var byteCount: Int {
            switch self {
            case .typed(let type): type.byteCount
            case .untyped: 1
            case .unread(_, let byteCount): byteCount
            }
        }
    }

    /// A part of another storage, in old files.
    struct View {
        let key: String
        let offset: Int
        let count: Int
    }

    let key: String
    let kind: Kind
    let count: Int
    let view: View?

    /// Bytes, or nil where the product overflows.
    var byteCount: Int? {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: kind.byteCount)
        return overflow ? nil : bytes
    }

    /// Reads the argument of a persistent reference; nil where it is not one to a storage.
    init?(_ id: NodeID, in store: PickleStore) {
        guard let parts = store.tuple(id), (5...6).contains(parts.count),
            store.string(parts[0]) == "storage", let kind = Self.kind(parts[1], in: store),
            let key = Self.key(parts[2], in: store), let count = store.int(parts[4]), count >= 0
        else { return nil }
        self.kind = kind
        self.key = key
        self.count = count
        if parts.count == 6, let view = store.tuple(parts[5]), view.count == 3,
            let viewKey = Self.key(view[0], in: store), let offset = store.int(view[1]),
            let viewCount = store.int(view[2]), offset >= 0, viewCount >= 0
        {
            self.view = View(key: viewKey, offset: offset, count: viewCount)
        } else {
            view = nil
        }
    }

    static func key(_ id: NodeID, in store: PickleStore) -> String? {
        store.string(id) ?? store.int(id).map { "\($0)" }
    }

    /// `torch.FloatStorage`, `torch.cuda.HalfStorage`, `torch.storage.UntypedStorage`, ….
    static func kind(_ id: NodeID, in store: PickleStore) -> Kind? {
        guard let global = store.global(id),
            ["torch", "torch.cuda", "torch.storage"].contains(global.module)
        else { return nil }
        let quantised = "is quantised; dequantise it before saving"
        let complex = "has complex elements"
        switch global.name {
        case "FloatStorage": return .typed(.float32)
        case "DoubleStorage": return .typed(.float64)
        case "HalfStorage": return .typed(.float16)
        case "BFloat16Storage": return .typed(.bfloat16)
        case "LongStorage": return .typed(.int64)
        case "IntStorage": return .typed(.int32)
        case "ShortStorage": return .typed(.int16)
        case "CharStorage": return .typed(.int8)
        case "ByteStorage": return .typed(.uint8)
        case "BoolStorage": return .typed(.bool)
        case "UntypedStorage", "_UntypedStorage": return .untyped
        case "QInt8Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage":
            return .unread(reason: quantised, byteCount: 1)
        case "QInt32Storage": return .unread(reason: quantised, byteCount: 4)
        case "ComplexFloatStorage": return .unread(reason: complex, byteCount: 8)
        case "ComplexDoubleStorage": return .unread(reason: complex, byteCount: 16)
        default: return nil
        }
    }
}

extension PickleStore {
    /// The storages that the pickle refers to, each key once, in the order of first mention.
    func storageReferences() -> [StorageReference] {
        var seen: Set<String> = []
        return nodes.compactMap { node in
            guard case .persistent(let id) = node, let reference = StorageReference(id, in: self),
                seen.insert(reference.key).inserted
            else { return nil }
            return reference
        }
    }
}
