public import TensorFiles
public import Torch

extension Tensor {
    /// A copy of a tensor in a file, on the CPU.
    ///
    /// - Parameter record: of a type that libtorch computes with.
    /// - Throws: `UnsupportedElementType` for the types of stored numbers that it does not.
    public init(_ record: TensorRecord) throws {
        let dtype = try record.requireLoadable()
        self = .empty(record.shape, dtype: dtype)
        withUnsafeMutableBytes { record.copyContiguous(into: $0) }
    }
}

extension TensorRecord {
    /// The type as libtorch computes with it; throws where it does not.
    @discardableResult
    func requireLoadable() throws -> DType {
        guard let dtype = DType(elementType) else {
            throw UnsupportedElementType(description: "\(self) has a type that cannot be loaded")
        }
        return dtype
    }
}

/// A tensor in a file has a type that libtorch does not compute with.
public struct UnsupportedElementType: Error, CustomStringConvertible, Sendable {
    public let description: String
}

extension DType {
    /// The type of a tensor in a file; nil for those without a counterpart.
    public init?(_ element: ElementType) {
        guard let dtype = Self.allCases.first(where: { "\($0)" == element.torchName })
        else { return nil }
        self = dtype
    }

    /// The type in a file; every type of a tensor has one.
    public var elementType: ElementType {
        guard let element = ElementType(torchName: "\(self)") else {
            fatalError("\(self) has no counterpart in files")
        }
        return element
    }
}

extension SafeTensorsWriter {
    /// Writes named tensors, from any device, to a file that appears whole or not at all.
    ///
    /// - Parameters:
    ///   - tensors: in the order of the file.
    ///   - path: replaced if it exists.
    ///   - metadata: texts for the header.
    /// - Throws: `TensorFileError` where the file cannot be written; the old one is then intact.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], to path: String,
        metadata: [String: String] = [:]
    ) throws {
        let entries = tensors.map {
            Entry(name: $0.name, elementType: $0.tensor.dtype.elementType, shape: $0.tensor.shape)
        }
        let writer = try SafeTensorsWriter(path: path, entries: entries, metadata: metadata)
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        for entry in writer.entries {
            guard let tensor = byName[entry.name] else { continue }
            try tensor.detached().to(.cpu).contiguous().withUnsafeBytes {
                try writer.append($0)
            }
        }
        try writer.finish()
    }
}
