import Synchronization

/// Memory of batches that comes back when a batch is no longer used, to be filled again.
///
/// Writing fresh memory costs a page fault every 4 KB and runs at a tenth of the speed.
final class BatchPool: Sendable {
    private let byteCount: Int
    private let free = Mutex<[Block]>([])

    /// A block that nobody uses; `@unchecked`: it is owned by the pool alone while it is here.
    private struct Block: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
    }

    init(byteCount: Int) { self.byteCount = byteCount }

    deinit { for block in free.withLock({ $0 }) { block.memory.deallocate() } }

    func take() -> BatchMemory {
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

/// One batch's block, given back to its pool when the last reference goes.
///
/// `@unchecked Sendable`: loader threads write to slots that do not overlap, each assigned under the
/// loader's lock; the batch is handed over under the same lock when all of them are done.
final class BatchMemory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    private let pool: BatchPool

    init(_ bytes: UnsafeMutableRawBufferPointer, pool: BatchPool) {
        self.bytes = bytes
        self.pool = pool
    }

    deinit { pool.giveBack(bytes) }
}
