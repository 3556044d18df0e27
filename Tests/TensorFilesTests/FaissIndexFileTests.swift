import Testing

@testable import TensorFiles

@Suite("Faiss indices") struct FaissIndexFileTests {
    private let vectors: [Float] = [1.5, -2, 0.25, 8, 0, 3]

    @Test("written and read again", arguments: [FaissIndexFile.Metric.euclidean, .innerProduct])
    func roundTrip(metric: FaissIndexFile.Metric) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("codebook_index.npy")
        try FaissIndexFile.write(vectors, width: 3, metric: metric, to: path)
        let file = try FaissIndexFile(path: path)
        #expect(file.metric == metric)
        #expect(file.vectors.shape == [2, 3])
        let bytes = file.vectors.storage.array
        #expect(
            bytes == vectors.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
        )
    }

    @Test("every shortened file is refused, and so are contradictory headers")
    func damage() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("index")
        try FaissIndexFile.write(vectors, width: 3, to: path)
        let whole = try ByteSlice(mapping: path).array
        for count in whole.indices {
            #expect(throws: TensorFileError.self, "\(count) bytes") {
                try FaissIndexFile(path: path, contents: ByteSlice(copying: whole[..<count]))
            }
        }
        // The magic, d, n, the metric and n · d; the other bytes say nothing.
        for place in [0, 3, 4, 7, 8, 15, 33, 36, 37, 44] {
            var bytes = whole
            bytes[place] ^= 0x41
            #expect(throws: TensorFileError.self, "byte \(place)") {
                try FaissIndexFile(path: path, contents: ByteSlice(copying: bytes))
            }
        }
    }
}
