/// A tensor in a file: type, shape, strides and the bytes, still where the file has them.
///
/// Every element that shape and strides reach lies inside the storage: checked when it is made.
public struct TensorRecord: Sendable {
    public let elementType: ElementType
    public let shape: [Int]
    /// Distance of neighbours along each dimension, in elements.
    public let strides: [Int]
    /// All bytes of the storage; tensors may share one.
    public let storage: ByteSlice
    /// Index of the first element in the storage, in elements.
    public let storageOffset: Int
    /// The bytes of each element are stored with the highest first.
    public let isBigEndian: Bool

    /// Expanded tensors (stride 0) may need at most this many bytes beyond their storage.
    static let expansionLimit = 1 << 28

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Bytes of the tensor when stored without gaps.
    public var byteCount: Int { count * elementType.byteCount }

    /// A tensor without gaps at the start of `storage`, or nil where the sizes do not fit.
    package init?(_ elementType: ElementType, shape: [Int], contiguous storage: ByteSlice) {
        guard
            let made = try? TensorRecord(
                elementType, shape: shape, strides: Self.contiguousStrides(shape), storage: storage)
        else { return nil }
        self = made
    }

    /// Throws the reason where an element would lie outside the storage.
    init(
        _ elementType: ElementType, shape: [Int], strides: [Int], storage: ByteSlice,
        storageOffset: Int = 0, isBigEndian: Bool = false
    ) throws(Misfit) {
        guard shape.count == strides.count, shape.count <= 64 else {
            throw Misfit("has \(shape.count) dimensions and \(strides.count) strides")
        }
        guard shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }), storageOffset >= 0
        else { throw Misfit("has a negative size, stride or offset") }
        guard let bytes = Self.byteCount(elementType, shape) else {
            throw Misfit("has more elements than memory can hold")
        }
        if bytes > 0 {
            let capacity = storage.count / elementType.byteCount
            guard let last = Self.lastIndex(shape, strides, storageOffset), last < capacity else {
                throw Misfit(
                    "reaches beyond its storage of \(capacity) elements (shape \(shape), "
                        + "strides \(strides), offset \(storageOffset))")
            }
            guard bytes - Self.expansionLimit <= storage.count else {
                throw Misfit("expands \(storage.count) stored bytes to \(bytes)")
            }
        }
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        self.storage = storage
        // Nothing is read of a tensor without elements, so its place was not checked.
        self.storageOffset = bytes > 0 ? storageOffset : 0
        self.isBigEndian = isBigEndian && elementType.byteCount > 1
    }

    /// Why a shape does not fit a storage.
    struct Misfit: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// Bytes of a tensor without gaps, or nil where a size is negative or the product overflows.
    package static func byteCount(_ elementType: ElementType, _ shape: [Int]) -> Int? {
        // A zero size must not hide an overflow of the others: strides are their products.
        var product = elementType.byteCount
        for size in shape {
            guard size >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            guard !overflow else { return nil }
            product = next
        }
        return shape.contains(0) ? 0 : product
    }

    /// Row-major strides of `shape`, whose product must not overflow.
    package static func contiguousStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for i in shape.indices.dropLast().reversed() {
            strides[i] =
                strides[i + 1].multipliedReportingOverflow(by: max(shape[i + 1], 1))
                .partialValue
        }
        return strides
    }

    private static func lastIndex(_ shape: [Int], _ strides: [Int], _ offset: Int) -> Int? {
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow2) = last.addingReportingOverflow(step)
            guard !overflow, !overflow2 else { return nil }
            last = sum
        }
        return last
    }
}
