internal import CTorch
internal import Foundation

/// An array of numbers with a shape, on a device, that libtorch computes with.
///
/// A tensor is a reference: two of them may share their memory, and operators whose names end in
/// `InPlace` change what both see. It is therefore not `Sendable`; a batch moves between threads by
/// `sending`.
public struct Tensor {
    private final class Owner {
        let handle: ct_tensor
        init(_ handle: ct_tensor) { self.handle = handle }
        deinit { api.tensor_release(handle) }
    }

    private let owner: Owner
    var handle: ct_tensor { owner.handle }

    init(owning handle: ct_tensor) {
        owner = Owner(handle)
    }

    /// Whether both are the same tensor, not merely equal ones.
    public func isIdentical(to other: Tensor) -> Bool { handle == other.handle }
}

// MARK: - Facts

extension Tensor {
    /// The lengths of the dimensions.
    public var shape: [Int] {
        let rank = Int(api.tensor_rank(handle))
        return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
            buffer.withMemoryRebound(to: Int64.self) {
                api.tensor_sizes(handle, $0.baseAddress)
            }
            count = rank
        }
    }

    /// How far apart in memory, in elements, neighbours along each dimension lie.
    public var strides: [Int] {
        let rank = Int(api.tensor_rank(handle))
        return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
            buffer.withMemoryRebound(to: Int64.self) {
                api.tensor_strides(handle, $0.baseAddress)
            }
            count = rank
        }
    }

    /// The number of dimensions.
    public var rank: Int { Int(api.tensor_rank(handle)) }

    /// The number of elements.
    public var count: Int { Int(api.tensor_count(handle)) }

    public var dtype: DType {
        let code = api.tensor_dtype(handle)
        guard let dtype = DType(rawValue: code) else {
            fatalError("a tensor has libtorch's type \(code), which Tessera does not use")
        }
        return dtype
    }

    public var device: Device { Device(code: api.tensor_device(handle)) }

    /// Whether the elements lie in memory in row-major order without gaps.
    public var isContiguous: Bool { api.tensor_is_contiguous(handle) }

    /// The shape of a matrix.
    public var shape2: (Int, Int) {
        let shape = shape
        require(shape.count == 2, "expected a tensor of rank 2, found \(summary)")
        return (shape[0], shape[1])
    }

    /// The shape of a tensor of rank 3, such as tokens `[B, N, D]`.
    public var shape3: (Int, Int, Int) {
        let shape = shape
        require(shape.count == 3, "expected a tensor of rank 3, found \(summary)")
        return (shape[0], shape[1], shape[2])
    }

    /// The shape of a tensor of rank 4, such as images `[B, C, H, W]`.
    public var shape4: (Int, Int, Int, Int) {
        let shape = shape
        require(shape.count == 4, "expected a tensor of rank 4, found \(summary)")
        return (shape[0], shape[1], shape[2], shape[3])
    }

    /// The shape and the type in short, for messages: `[2, 3] float32`.
    public var summary: String { "\(shape) \(dtype)" }
}

// MARK: - From and to memory

extension Tensor {
    /// A copy of `values` in row-major order.
    public init<Element: TensorElement>(_ values: [Element], shape: [Int]) {
        self = values.withUnsafeBytes {
            Tensor(bytes: $0, shape: shape, dtype: Element.dtype)
        }
    }

    /// A copy of `values` as a vector.
    public init<Element: TensorElement>(_ values: [Element]) {
        self.init(values, shape: [values.count])
    }

    /// A tensor of rank 0.
    public init<Element: TensorElement>(scalar: Element) {
        self.init([scalar], shape: [])
    }

    /// A copy of raw memory in row-major order.
    public init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
        self = .empty(shape, dtype: dtype)
        let expected = count * dtype.byteCount
        require(
            bytes.count == expected,
            "\(bytes.count) bytes do not fill \(shape) \(dtype), which takes \(expected)")
        guard let source = bytes.baseAddress, expected > 0 else { return }
        api.tensor_data(handle)?.copyMemory(from: source, byteCount: expected)
    }

    /// A tensor that reads and writes `memory` in place, without a copy.
    ///
    /// `owner` keeps the memory alive; it is released when the last tensor on it is gone, on
    /// whichever thread that happens.
    public init(
        sharing memory: UnsafeMutableRawPointer, shape: [Int], dtype: DType, owner: AnyObject
    ) {
        let retained = Unmanaged.passRetained(owner).toOpaque()
        var made: ct_tensor?
        let status = shape.map(Int64.init).withUnsafeBufferPointer { sizes in
            api.tensor_from_memory(
                memory, sizes.baseAddress, Int64(sizes.count), dtype.rawValue,
                { context in
                    if let context { Unmanaged<AnyObject>.fromOpaque(context).release() }
                }, retained, &made)
        }
        check(status, in: "from_blob", arguments: "\(shape) \(dtype)")
        guard let made else { fatalError("from_blob returned no tensor") }
        self.init(owning: made)
    }

    /// The elements in row-major order, copied from any device and any strides.
    public func values<Element: TensorElement>(as: Element.Type = Element.self) -> [Element] {
        let source = to(dtype: Element.dtype).to(.cpu).contiguous()
        return source.withUnsafeBytes { Array($0.bindMemory(to: Element.self)) }
    }

    /// Reads the memory of a contiguous tensor on the CPU.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        require(
            isContiguous && device == .cpu, "\(summary): the memory is not contiguous on the CPU")
        let bytes = UnsafeRawBufferPointer(
            start: api.tensor_data(handle), count: count * dtype.byteCount)
        defer { withExtendedLifetime(owner) {} }
        return try body(bytes)
    }

    /// Writes the memory of a contiguous tensor on the CPU.
    public func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        require(
            isContiguous && device == .cpu, "\(summary): the memory is not contiguous on the CPU")
        let bytes = UnsafeMutableRawBufferPointer(
            start: api.tensor_data(handle), count: count * dtype.byteCount)
        defer { withExtendedLifetime(owner) {} }
        return try body(bytes)
    }

    /// The only element, as a number; waits for a GPU.
    public var item: Double {
        require(count == 1, "item of \(summary)")
        return values(as: Double.self)[0]
    }
}

extension Tensor: CustomStringConvertible {
    /// The shape, the type and the first elements.
    public var description: String {
        let shown = flattened()[0..<Swift.min(count, 8)].values(as: Double.self)
        let text = shown.map { String(format: "%.6g", $0) }.joined(separator: ", ")
        return "Tensor(\(summary): \(text)\(count > 8 ? ", …" : ""))"
    }
}
