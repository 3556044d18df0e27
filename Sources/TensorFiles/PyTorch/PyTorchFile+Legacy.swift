// The form before version 1.6: five pickles (a magic number, the version of the form, facts about
// the machine, the object, the keys of the storages), then per key the number of elements and the
// elements.
extension PyTorchFile {
    private static let magic: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// The parts of a legacy stream.
    struct LegacyStream {
        let file: String
        let store: PickleStore
        let root: NodeID
        let storages: [String: ByteSlice]

        func graph(_ limits: PickleLimits) throws(TensorFileError) -> PickleGraph {
            var rebuild = TensorRebuild(store, file: file, storages: storages, limits: limits)
            return try rebuild.run()
        }
    }

    static func isLegacy(_ contents: ByteSlice, file: String, limits: PickleLimits) -> Bool {
        guard let start = contents.slice(at: 0, count: min(contents.count, 64)) else {
            return false
        }
        var machine = PickleMachine(start, file: file, limits: limits)
        guard let root = try? machine.run() else { return false }
        return isMagic(machine, root)
    }

    private static func isMagic(_ machine: PickleMachine, _ root: NodeID) -> Bool {
        guard case .bigInt(let index) = machine.store[root] else { return false }
        var bytes = machine.store.slices[Int(index)].array
        while bytes.last == 0 { bytes.removeLast() }
        return bytes == magic
    }

    static func readLegacy(
        _ contents: ByteSlice, file: String, limits: PickleLimits
    ) throws(TensorFileError) -> LegacyStream {
        var position = 0
        func next(_ record: String) throws(TensorFileError) -> (PickleMachine, NodeID) {
            var machine = PickleMachine(
                contents, at: position, file: file, record: record, limits: limits)
            let root = try machine.run()
            position = machine.position
            return (machine, root)
        }
        func failure(
            _ kind: TensorFileError.Kind, _ place: String, _ problem: String
        ) -> TensorFileError {
            TensorFileError(
                kind, file: file, place: place, problem: problem,
                remedy: "fetch the file or save it again")
        }
        let (magicMachine, magicRoot) = try next("magic number")
        guard isMagic(magicMachine, magicRoot) else {
            throw failure(.malformed, "magic number", "is not that of PyTorch")
        }
        let (versionMachine, versionRoot) = try next("version")
        guard versionMachine.store.int(versionRoot) == 1001 else {
            throw failure(.unsupported, "version", "is not 1001, the only one that is known")
        }
        let (factsMachine, factsRoot) = try next("system")
        let facts = PickleValue(graph: PickleGraph(factsMachine.store), id: factsRoot)
        guard facts["little_endian"]?.bool != false else {
            throw failure(.unsupported, "system", "wrote the highest byte first")
        }
        let (objectMachine, root) = try next("object")
        let (keysMachine, keysRoot) = try next("keys")
        guard let keyNodes = keysMachine.store.sequence(keysRoot) else {
            throw failure(.malformed, "keys", "are no list")
        }

        let references = Dictionary(
            objectMachine.store.storageReferences().map { ($0.key, $0) }
        ) { first, _ in first }
        var roots: [String: StorageReference] = references
        for reference in references.values {
            // A view is stored under the key of the storage that it looks into.
            if let view = reference.view, roots[view.key] == nil { roots[view.key] = reference }
        }
        var storages: [String: ByteSlice] = [:]
        for node in keyNodes {
            guard let key = StorageReference.key(node, in: keysMachine.store),
                let reference = roots[key]
            else { throw failure(.malformed, "keys", "name a storage that no tensor uses") }
            let place = "storage \(key.quotedForMessage())"
            guard let field = contents.slice(at: position, count: 8) else {
                throw failure(.truncated, place, "is missing at the end of the file")
            }
            let count = field.withUnsafeBytes {
                Int64(littleEndian: $0.loadUnaligned(as: Int64.self))
            }
            let (size, overflow) = Int(count).multipliedReportingOverflow(
                by: reference.kind.byteCount)
            guard count >= 0, !overflow,
                let bytes = contents.slice(at: position + 8, count: size)
            else {
                throw failure(
                    .truncated, place,
                    "has \(count) elements, \(contents.count - position - 8) bytes are left")
            }
            storages[key] = bytes
            position += 8 + size
        }
        return LegacyStream(
            file: file, store: objectMachine.store, root: root, storages: storages)
    }

    /// A storage saved as a file of its own, inside another pickle.
    static func storage(
        in bytes: ByteSlice, file: String, limits: PickleLimits
    ) throws(TensorFileError) -> TensorRebuild.NestedStorage? {
        guard isLegacy(bytes, file: file, limits: limits) else { return nil }
        let stream = try readLegacy(bytes, file: file, limits: limits)
        guard case .persistent(let id) = stream.store[stream.root],
            let reference = StorageReference(id, in: stream.store),
            let found = stream.storages[reference.key]
        else { return nil }
        return TensorRebuild.NestedStorage(kind: reference.kind, bytes: found)
    }
}
