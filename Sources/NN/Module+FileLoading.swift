import Dispatch
import Glibc
public import TensorFiles
import Torch

extension Module {
    /// Copies tensors of a file into the module's own, which stay the same objects.
    ///
    /// No weight is in memory twice: pieces go from the file to their place, several at a time, and
    /// the system may drop what was copied. Tensors of another type, or for another device, are
    /// converted one after the other.
    ///
    /// - Parameters:
    ///   - records: by checkpoint name.
    ///   - strict: as for tensors.
    /// - Returns: what was loaded and what was not.
    /// - Throws: `LoadError` in strict mode and `UnsupportedElementType`, before anything is changed.
    @discardableResult
    public func load(
        _ records: [String: TensorRecord], strict: Bool = true
    ) throws -> LoadReport {
        let (report, fitting) = try fit(records, strict: strict) { $0.shape }
        for (_, record) in fitting { try record.requireLoadable() }
        var pieces: [FilePiece] = []
        for (target, record) in fitting {
            if target.device == .cpu, target.isContiguous, record.isContiguous,
                DType(record.elementType) == target.dtype
            {
                target.withUnsafeMutableBytes { pieces += FilePiece.pieces(of: record, to: $0) }
            } else {
                let source = try Tensor(record)
                noGrad { target.copyInPlace(source) }
                record.storage.releasePages()
            }
        }
        let all = pieces
        DispatchQueue.concurrentPerform(iterations: all.count) { all[$0].copy() }
        withExtendedLifetime(fitting) {}
        return report
    }

    /// `load`, strictly, of tensors of `file`, which an error names.
    public func load(_ records: [String: TensorRecord], from file: String) throws {
        do {
            try load(records)
        } catch var error as LoadError {
            error.file = file
            throw error
        }
    }
}

/// Bytes of a file and where they go.
///
/// The pointer is to a part of a tensor that no other piece has, and the tensor outlives the copy: so
/// threads may share pieces, which is what the unchecked conformance states.
private struct FilePiece: @unchecked Sendable {
    let source: ByteSlice
    let target: UnsafeMutableRawBufferPointer

    /// Large enough that starting a piece costs nothing beside it, small enough for two to share a
    /// matrix.
    private static let byteCount = 8 << 20
    private static let hugePage = 2 << 20

    static func pieces(
        of record: TensorRecord, to target: UnsafeMutableRawBufferPointer
    ) -> [FilePiece] {
        useHugePages(target)
        let start = record.storageOffset * record.elementType.byteCount
        return stride(from: 0, to: target.count, by: byteCount).compactMap { at in
            let count = min(byteCount, target.count - at)
            return record.storage.slice(at: start + at, count: count).map {
                FilePiece(
                    source: $0,
                    target: UnsafeMutableRawBufferPointer(rebasing: target[at..<at + count]))
            }
        }
    }

    func copy() {
        source.withUnsafeBytes { target.copyMemory(from: $0) }
        source.releasePages()
    }

    /// Memory that is written for the first time comes in pages; one of 2 MiB costs less than 512.
    private static func useHugePages(_ target: UnsafeMutableRawBufferPointer) {
        guard let start = target.baseAddress, target.count >= 2 * hugePage else { return }
        let first = (UInt(bitPattern: start) + UInt(hugePage) - 1) / UInt(hugePage) * UInt(hugePage)
        let end = (UInt(bitPattern: start) + UInt(target.count)) / UInt(hugePage) * UInt(hugePage)
        guard end > first, let pages = UnsafeMutableRawPointer(bitPattern: first) else { return }
        // Where the kernel has none, small ones come.
        madvise(pages, Int(end - first), MADV_HUGEPAGE)
    }
}
