extension PyTorchFile {
    /// The parts of a file after reading.
    struct Reading {
        let layout: Layout
        let graph: PickleGraph
        let root: NodeID
        var archive: ZipArchive?
    }

    static func read(
        _ contents: ByteSlice, file: String, limits: PickleLimits
    ) throws(TensorFileError) -> Reading {
        let start = contents.slice(at: 0, count: min(contents.count, 512))?.array ?? []
        if start.starts(with: Array("PK\u{3}\u{4}".utf8)) {
            return try readZip(contents, file: file, limits: limits)
        }
        if TarArchive.isTar(contents) {
            return try readTar(contents, file: file, limits: limits)
        }
        if let problem = foreignForm(start) {
            throw TensorFileError(
                .malformed, file: file, problem: problem.found, remedy: problem.remedy)
        }
        if isLegacy(contents, file: file, limits: limits) {
            let stream = try readLegacy(contents, file: file, limits: limits)
            return Reading(layout: .legacy, graph: try stream.graph(limits), root: stream.root)
        }
        return try readPickle(contents, file: file, limits: limits)
    }

    // MARK: Zip

    private static func readZip(
        _ contents: ByteSlice, file: String, limits: PickleLimits
    ) throws(TensorFileError) -> Reading {
        let archive = try ZipArchive(contents, file: file)
        func failure(
            _ kind: TensorFileError.Kind, _ problem: String, _ remedy: String
        ) -> TensorFileError {
            TensorFileError(kind, file: file, problem: problem, remedy: remedy)
        }
        let programs = archive.entries.filter {
            $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl")
        }
        guard let program = programs.min(by: { $0.name.utf8.count < $1.name.utf8.count }) else {
            let names = archive.entries.prefix(3).map { $0.name.quotedForMessage(limit: 40) }
            throw failure(
                .malformed,
                "is a zip file without data.pkl (it has \(names.joined(separator: ", ")))",
                "unpack it first, if a checkpoint is inside")
        }
        func depth(_ name: String) -> Int { name.utf8.count { $0 == UInt8(ascii: "/") } }
        let rivals = programs.filter { depth($0.name) == depth(program.name) }
        guard rivals.count == 1 else {
            // Readers differ in which of them they take, and so in what the file is.
            let names = rivals.prefix(3).map { $0.name.quotedForMessage(limit: 40) }
            throw failure(
                .malformed, "holds \(rivals.count) programs: \(names.joined(separator: ", "))",
                "do not trust the file: torch.save writes one")
        }
        let prefix = String(program.name.dropLast("data.pkl".count))
        // The modules of a TorchScript archive are instances of classes whose code lies beside them: the
        // attributes of an instance are its weights, and the code is not looked at.
        let isScript = archive.entries.contains {
            $0.name == prefix + "constants.pkl" || $0.name.hasPrefix(prefix + "code/")
        }
        var budget = limits.unpackedBytes
        let isBigEndian = try byteOrder(archive, prefix, &budget)
        let pickle = try archive.bytes(of: program, budget: &budget)
        if program.checksum != 0 { try archive.verify(program, pickle) }

        var machine = PickleMachine(pickle, file: file, record: "data.pkl", limits: limits)
        let root = try machine.run()
        var storages: [String: ByteSlice] = [:]
        for reference in machine.store.storageReferences() {
            guard let entry = archive["\(prefix)data/\(reference.key)"] else {
                throw failure(
                    .malformed, "lacks storage \(reference.key.quotedForMessage())",
                    "the file is incomplete: fetch or save it again")
            }
            if case .unread = reference.kind { continue }
            storages[reference.key] = try archive.bytes(of: entry, budget: &budget)
        }
        var rebuild = TensorRebuild(
            machine.store, file: file, storages: storages, isBigEndian: isBigEndian,
            limits: limits)
        return Reading(
            layout: isScript ? .torchScript : .zip, graph: try rebuild.run(), root: root,
            archive: archive)
    }

    private static func byteOrder(
        _ archive: ZipArchive, _ prefix: String, _ budget: inout Int
    ) throws(TensorFileError) -> Bool {
        guard let entry = archive[prefix + "byteorder"] else { return false }
        let text = try archive.bytes(of: entry, budget: &budget)
        switch text.array {
        case Array("little".utf8): return false
        case Array("big".utf8): return true
        default:
            throw TensorFileError(
                .malformed, file: archive.file, place: "byteorder",
                problem: "is neither 'little' nor 'big'")
        }
    }

    // MARK: A bare pickle

    private static func readPickle(
        _ contents: ByteSlice, file: String, limits: PickleLimits
    ) throws(TensorFileError) -> Reading {
        var machine = PickleMachine(contents, file: file, limits: limits)
        let root = try machine.run()
        guard machine.position == contents.count else {
            throw TensorFileError(
                .malformed, file: file, place: "byte \(machine.position)",
                problem: "has \(contents.count - machine.position) bytes after its pickle",
                remedy: "files of several pickles are not read")
        }
        var rebuild = TensorRebuild(machine.store, file: file, storages: [:], limits: limits)
        return Reading(layout: .pickle, graph: try rebuild.run(), root: root)
    }

    /// What else people pass for a checkpoint, by its first bytes.
    private static func foreignForm(_ start: [UInt8]) -> (found: String, remedy: String)? {
        guard let first = start.first else { return ("is empty", "fetch or save it again") }
        func begins(_ bytes: [UInt8]) -> Bool { start.starts(with: bytes) }
        let text = String(decoding: start.prefix(64), as: UTF8.self).lowercased()
        if begins([0x1F, 0x8B]) { return ("is packed by gzip", "unpack it with gunzip first") }
        if begins([0xFD] + Array("7zXZ".utf8)) { return ("is packed by xz", "unpack it first") }
        if begins(Array("7z".utf8) + [0xBC, 0xAF, 0x27, 0x1C]) {
            return ("is a 7z archive", "do not trust a checkpoint that comes so; unpack it first")
        }
        if begins(Array("Rar!".utf8)) { return ("is a rar archive", "unpack it first") }
        if begins([0x28, 0xB5, 0x2F, 0xFD]) { return ("is packed by zstd", "unpack it first") }
        if begins([0x89] + Array("HDF".utf8)) { return ("is an HDF5 file", "which is not read") }
        if text.hasPrefix("version https://git-lfs") {
            return ("is a pointer of git-lfs, not the file itself", "run git lfs pull")
        }
        if text.hasPrefix("<!doctype") || text.hasPrefix("<html") || text.hasPrefix("<?xml") {
            return ("is a web page, not a checkpoint", "look at it and fetch the file again")
        }
        // A pickle starts with PROTO or, in protocols 0 and 1, with one of few printable opcodes.
        let openings = Array("(]})cFGIJKLMNSTUVX".utf8) + [0x80]
        guard openings.contains(first) else {
            return (
                "is no checkpoint of a known form",
                "known are PyTorch's zip, legacy and tar forms, pickle, safetensors and npy"
            )
        }
        return nil
    }
}
