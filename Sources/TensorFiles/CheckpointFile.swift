/// A file of tensors in any form that is read here, told apart by its first bytes.
public enum CheckpointFile: Sendable {
    case safeTensors(SafeTensorsFile)
    case pyTorch(PyTorchFile)
    case numpy(NumpyFile)

    public init(path: String, limits: PickleLimits = PickleLimits()) throws(TensorFileError) {
        try self.init(path: path, contents: ByteSlice(mapping: path), limits: limits)
    }

    /// Reads `contents` as the file that messages call `path`.
    package init(
        path: String, contents: ByteSlice, limits: PickleLimits = PickleLimits()
    ) throws(TensorFileError) {
        if NumpyFile.isNumpy(contents) {
            self = .numpy(try NumpyFile(path: path, contents: contents))
        } else if Self.isSafeTensors(contents) || path.hasSuffix(".safetensors") {
            self = .safeTensors(try SafeTensorsFile(path: path, contents: contents))
        } else {
            self = .pyTorch(try PyTorchFile(path: path, contents: contents, limits: limits))
        }
    }

    /// What the form is called.
    public var form: String {
        switch self {
        case .safeTensors: "safetensors"
        case .numpy: "npy"
        case .pyTorch(let file):
            switch file.layout {
            case .pickle: "pickle"
            case .torchScript: "TorchScript"
            default: "PyTorch (\(file.layout))"
            }
        }
    }

    /// The tensors under a path, with dotted names from there, in the order of the file.
    ///
    /// In a safetensors file the path is a prefix of the names; a `.npy` file has one tensor
    /// without a name.
    public func tensors(
        under keys: [String] = []
    ) throws(TensorFileError) -> [(name: String, tensor: TensorRecord)] {
        switch self {
        case .pyTorch(let file): return try file.tensors(under: keys)
        case .numpy(let file): return [("", file.tensor)]
        case .safeTensors(let file):
            let prefix = keys.map { $0 + "." }.joined()
            let found = file.names.compactMap { name in
                file[name].flatMap { tensor in
                    name.hasPrefix(prefix) ? (String(name.dropFirst(prefix.count)), tensor) : nil
                }
            }
            guard !found.isEmpty || keys.isEmpty else {
                throw TensorFileError(
                    .missingKey, file: file.path,
                    problem: "has no tensor whose name starts with \(prefix.quotedForMessage())")
            }
            return found
        }
    }

    /// A size field that the file can hold, then a brace.
    private static func isSafeTensors(_ contents: ByteSlice) -> Bool {
        guard let start = contents.slice(at: 0, count: 9)?.array, start[8] == UInt8(ascii: "{")
        else { return false }
        let size = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return size <= UInt64(contents.count - 8)
    }
}
