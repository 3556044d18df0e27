import Glibc

/// Many file names in one block of memory: a million of them cost their bytes and little more.
struct PathList: Sendable, Equatable {
    private(set) var bytes: [UInt8] = []
    /// Where each name ends in `bytes`.
    private(set) var ends: [Int] = []

    init() {}

    /// `lengths` of names that lie in `bytes` one behind the other; nil if they do not add up.
    init?(bytes: [UInt8], lengths: [UInt16]) {
        var end = 0
        ends.reserveCapacity(lengths.count)
        for length in lengths {
            end += Int(length)
            ends.append(end)
        }
        guard end == bytes.count else { return nil }
        self.bytes = bytes
    }

    /// The longest name that a list holds: more than any system's longest path.
    static let longest = Int(UInt16.max)

    var count: Int { ends.count }

    var lengths: [UInt16] {
        ends.indices.map { UInt16(ends[$0] - ($0 == 0 ? 0 : ends[$0 - 1])) }
    }

    mutating func append(_ name: some Collection<UInt8>) {
        bytes.append(contentsOf: name.prefix(Self.longest))
        ends.append(bytes.count)
    }

    mutating func append(contentsOf other: PathList) {
        let start = bytes.count
        bytes.append(contentsOf: other.bytes)
        ends.append(contentsOf: other.ends.lazy.map { $0 + start })
    }

    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    subscript(index: Int) -> String { String(decoding: bytes[range(index)], as: UTF8.self) }

    /// The names of a range of numbers.
    subscript(range: Range<Int>) -> PathList {
        guard !range.isEmpty else { return PathList() }
        let start = self.range(range.lowerBound).lowerBound
        var list = PathList()
        list.bytes = Array(bytes[start..<ends[range.upperBound - 1]])
        list.ends = ends[range].map { $0 - start }
        return list
    }

    /// The same names in the order of their bytes.
    func sorted() -> PathList {
        let order = bytes.withUnsafeBytes { memory in
            (0..<count).sorted { a, b in
                let (first, second) = (range(a), range(b))
                guard let base = memory.baseAddress else { return false }
                let common = min(first.count, second.count)
                let order = memcmp(base + first.lowerBound, base + second.lowerBound, common)
                return order != 0 ? order < 0 : first.count < second.count
            }
        }
        var list = PathList()
        list.bytes.reserveCapacity(bytes.count)
        list.ends.reserveCapacity(count)
        for index in order { list.append(bytes[range(index)]) }
        return list
    }
}
