import Imaging

/// Finds pictures whose stored bytes are equal.
///
/// Candidates have the same checksum and length; they are read again and compared byte by byte.
struct ExactCopies {
    let parts: [AuditPart]
    let records: [PictureRecord]
    let threads: Int

    /// Pairs (first, copy) of indices of `records`, in rising order of the copy.
    func pairs() throws -> [(first: Int, copy: Int)] {
        let candidates = candidateGroups()
        let found = try Chunks.onThreads(threads, count: candidates.count, length: 4) { chunks in
            var pairs: [(first: Int, copy: Int)] = []
            var range: Range<Int>?
            while let next = chunks.next(after: range) {
                for group in candidates[next] { pairs += compare(group) }
                range = next
            }
            return pairs
        }
        return found.joined().sorted { $0.copy < $1.copy }
    }

    private func candidateGroups() -> [[Int]] {
        let order = records.indices.sorted {
            let (a, b) = (records[$0], records[$1])
            return (a.checksum, a.byteCount, $0) < (b.checksum, b.byteCount, $1)
        }
        var groups: [[Int]] = []
        var start = 0
        while start < order.count {
            let first = records[order[start]]
            var end = start + 1
            while end < order.count, records[order[end]].checksum == first.checksum,
                records[order[end]].byteCount == first.byteCount
            { end += 1 }
            if end - start > 1 { groups.append(Array(order[start..<end])) }
            start = end
        }
        return groups
    }

    /// Compares each picture with those before it that are no copies of another.
    private func compare(_ group: [Int]) -> [(first: Int, copy: Int)] {
        var originals: [(index: Int, picture: StoredPicture)] = []
        var pairs: [(first: Int, copy: Int)] = []
        for index in group {
            guard let picture = load(records[index].item) else { continue }
            if let original = originals.first(where: { $0.picture.isIdentical(to: picture) }) {
                pairs.append((original.index, index))
            } else if originals.count < 4 {
                // Different pictures of one checksum are rare; hostile ones must not fill memory.
                originals.append((index, picture))
            }
        }
        return pairs
    }

    /// nil for a file that has vanished since.
    private func load(_ item: AuditItem) -> StoredPicture? {
        var picture = StoredPicture()
        do {
            try parts[item.part].source.load(item.index, into: &picture)
            return picture
        } catch { return nil }
    }
}
