import TensorFiles

extension TensorSet {
    /// Throws `TensorFileError` where the tensors would take far more memory than the files hold for
    /// them: one storage under many names, or expanded to a large shape.
    ///
    /// Tied weights and expanded buffers of honest files stay far below four times what is stored.
    func requireHonestClaims(in file: String) throws(TensorFileError) {
        let ranges = tensors.compactMap { _, tensor -> Range<UInt>? in
            let bytes = tensor.storage.unsafeBytes
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return nil }
            let first = UInt(bitPattern: start)
            return first..<first + UInt(bytes.count)
        }
        .sorted { $0.lowerBound < $1.lowerBound }
        var (stored, end): (UInt, UInt) = (0, 0)
        for range in ranges where range.upperBound > end {
            stored += range.upperBound - max(range.lowerBound, end)
            end = range.upperBound
        }
        var claimed = 0
        let limit = 4 * Int(stored) + (1 << 26)
        for (_, tensor) in tensors {
            claimed += tensor.byteCount
            guard claimed <= limit else {
                throw TensorFileError(
                    .limit, file: file, place: place,
                    problem: "has tensors that would take more than \(limit) bytes, of which only "
                        + "\(stored) are stored",
                    remedy: "no honest checkpoint needs that: do not trust this file")
            }
        }
    }
}
