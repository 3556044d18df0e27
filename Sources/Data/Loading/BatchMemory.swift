import Synchronization
import Torch

/// Memory of batches that comes back when a batch is no longer used, to be filled again.
///
/// Writing fresh memory costs a page fault every 4 KB and runs at a tenth of the speed. Page-locked
/// memory is libtorch's own, which it gives out again when the GPU has read it.
final class BatchPool: Sendable {
    private let byteCount: Int
    private let isPinned: Bool
    private let free = Mutex<[Block]>([])

    /// A block that nobody uses; `@unchecked`: it is owned by the pool alone while it is here.
    private struct Block: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
    }

    /// - Parameters:
    ///   - byteCount: of a batch.
    ///   - isPinned: whether a GPU shall read the memory without the CPU.
    init(byteCount: Int, isPinned: Bool) {
        self.byteCount = byteCount
        self.isPinned = isPinned
    }

    deinit { for block in free.withLock({ $0 }) { block.memory.deallocate() } }

    func take() -> BatchMemory {
        if isPinned { return BatchMemory(.emptyPinned([byteCount], dtype: .uint8)) }
        let block = free.withLock { $0.popLast() }
        let memory =
            block?.memory
            ?? UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 64), alignment: 64)
        return BatchMemory(
            UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]), pool: self)
    }

    fileprivate func giveBack(_ memory: UnsafeMutableRawBufferPointer) {
        let block = Block(memory: memory)
        free.withLock { $0.append(block) }
    }
}

/// One batch's block, given back to where it came from when the last reference goes.
///
/// `@unchecked Sendable`: loader threads write to slots that do not overlap, each assigned under the
/// loader's lock; the batch is handed over under the same lock when all of them are done.
final class BatchMemory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    private let owner: Owner

    private enum Owner {
        case pool(BatchPool)
        case tensor(Tensor)
    }

    init(_ bytes: UnsafeMutableRawBufferPointer, pool: BatchPool) {
        self.bytes = bytes
        owner = .pool(pool)
    }

    /// The memory of a contiguous tensor on the CPU.
    init(_ tensor: Tensor) {
        bytes = tensor.withUnsafeMutableBytes { $0 }
        owner = .tensor(tensor)
    }

    deinit { if case .pool(let pool) = owner { pool.giveBack(bytes) } }

    /// The first bytes as a tensor that shares them and keeps them.
    func tensor(_ shape: [Int], dtype: DType) -> Tensor {
        let count = shape.reduce(dtype.byteCount, *)
        guard let start = bytes.baseAddress, count > 0 else { return .zeros(shape, dtype: dtype) }
        // A tensor of libtorch's own memory says itself that it is pinned, and is waited for.
        if case .tensor(let tensor) = owner {
            return tensor[..<count].reinterpreted(as: dtype).reshaped(shape)
        }
        return Tensor(sharing: start, shape: shape, dtype: dtype, owner: self)
    }
}
