import Foundation

/// Where the pictures of one tar archive lie, and their labels.
///
/// A sample is a run of members with the same key: the name up to the first dot behind the last
/// slash. What follows that dot, in lower case, is the member's ending: `jpg`, `cls`, `depth.npy`.
struct ShardIndex: Sendable, Equatable {
    var path: String
    var stamp: EntryStamp
    var isSettled: Bool
    var keys = PathList()
    /// For each sample its first member, which is the picture.
    var firstMembers: [Int32] = []
    /// For each member the number of its ending in `endings`.
    var memberEndings: [UInt16] = []
    var offsets: [Int] = []
    var sizes: [Int] = []
    var endings: [String] = []
    /// For each sample the number of its label in `labelTexts`; −1 without one.
    var labels: [Int32] = []
    var labelTexts: [String] = []
    /// Samples that have no picture.
    var pictureless = 0
    var sparse = 0
    /// What is wrong with the archive; nil if nothing is.
    var fault: String?

    var count: Int { keys.count }

    func members(of sample: Int) -> Range<Int> {
        let end =
            sample + 1 < firstMembers.count ? Int(firstMembers[sample + 1]) : offsets.count
        return Int(firstMembers[sample])..<end
    }

    // MARK: - Kept between starts

    func encode(to writer: inout IndexWriter) {
        writer.append(path)
        writer.append([stamp])
        writer.append(UInt8(isSettled ? 1 : 0))
        writer.append(keys)
        writer.append(firstMembers)
        writer.append(memberEndings)
        writer.append(offsets)
        writer.append(sizes)
        writer.append(endings)
        writer.append(labels)
        writer.append(labelTexts)
        writer.append([pictureless, sparse])
        writer.append(fault ?? "")
    }

    init(from reader: inout IndexReader) throws {
        path = try reader.text()
        guard let stamp = try reader.stamps().first else { throw reader.damage("has no stamp") }
        self.stamp = stamp
        isSettled = try reader.number(UInt8.self) != 0
        keys = try reader.paths()
        firstMembers = try reader.numbers(Int32.self)
        memberEndings = try reader.numbers(UInt16.self)
        offsets = try reader.numbers(Int.self)
        sizes = try reader.numbers(Int.self)
        endings = try reader.texts()
        labels = try reader.numbers(Int32.self)
        labelTexts = try reader.texts()
        let counts = try reader.numbers(Int.self)
        let fault = try reader.text()
        self.fault = fault.isEmpty ? nil : fault
        guard counts.count == 2 else { throw reader.damage("has no counts") }
        (pictureless, sparse) = (counts[0], counts[1])
        try check(reader)
    }

    /// Numbers that point somewhere must point inside.
    private func check(_ reader: IndexReader) throws {
        guard firstMembers.count == count, labels.count == count,
            offsets.count == sizes.count, offsets.count == memberEndings.count
        else { throw reader.damage("has lists of different lengths") }
        var end = 0
        for (sample, first) in firstMembers.enumerated() {
            guard sample == 0 ? first == 0 : Int(first) > end, Int(first) < offsets.count else {
                throw reader.damage("has samples out of order")
            }
            end = Int(first)
        }
        guard labels.allSatisfy({ (-1..<Int32(labelTexts.count)).contains($0) }),
            memberEndings.allSatisfy({ $0 < endings.count }),
            zip(offsets, sizes).allSatisfy({ offset, size in
                offset >= 0 && size >= 0 && offset <= stamp.size && size <= stamp.size - offset
            })
        else { throw reader.damage("points outside its shard") }
    }
}
