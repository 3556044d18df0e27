package import TensorFiles

/// Looking at everything of a file that can be looked at.
package enum Exploration {
    /// What was found in a file that could be read.
    package struct Finding: Sendable {
        /// What the form is called.
        package let form: String
        package let tensorCount: Int
    }

    /// Reads `bytes` as the file that messages call `case`, and then all that it offers.
    @discardableResult
    package static func explore(_ bytes: [UInt8]) throws(TensorFileError) -> Finding {
        let file = try CheckpointFile(path: "case", contents: ByteSlice(copying: bytes))
        var tensors = (try? file.tensors()) ?? []
        if case .pyTorch(let file) = file {
            _ = "\(file.root)"
            for child in file.root.children.prefix(100) { _ = child.value.description }
            tensors += ((try? file.scan().found) ?? []).map { ($0.path.last ?? "", $0.tensor) }
            _ = try? file.verify()
            _ = file.checkRecords()
        }
        if case .safeTensors(let file) = file { _ = try? file.verify() }
        _ = try? file.stateDictionaries()
        // Expanding a tensor takes what its shape says: that much is asked for here, no more.
        var budget = 1 << 20
        for (_, tensor) in tensors where tensor.byteCount <= budget {
            budget -= tensor.byteCount
            _ = tensor.contiguousBytes()
            _ = tensor.doubles()
            _ = tensor.zeroRows()
            _ = TensorStatistics(tensor)
        }
        return Finding(form: file.form, tensorCount: tensors.count)
    }
}
