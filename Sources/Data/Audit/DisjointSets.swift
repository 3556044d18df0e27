/// Numbers 0..<count in sets that can be joined (Tarjan 1975).
struct DisjointSets {
    private var parents: [Int32]

    init(_ count: Int) { parents = (0..<Int32(count)).map { $0 } }

    /// The smallest number of the set.
    mutating func first(_ number: Int) -> Int {
        var root = number
        while Int(parents[root]) != root { root = Int(parents[root]) }
        var next = number
        while next != root { (next, parents[next]) = (Int(parents[next]), Int32(root)) }
        return root
    }

    mutating func join(_ a: Int, _ b: Int) {
        let (a, b) = (first(a), first(b))
        parents[max(a, b)] = Int32(min(a, b))
    }
}
