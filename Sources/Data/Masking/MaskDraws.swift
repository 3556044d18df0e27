/// Where a mask sampler's random choices come from.
///
/// `CounterRandom` makes them; a test plays recorded ones again and so follows a sampler choice by
/// choice.
public protocol MaskDraws {
    /// A number between two others given in any order: `first + u (second − first)`, u in [0, 1).
    mutating func uniform(from first: Double, to second: Double) -> Double
    /// A whole number of `range`, all equally likely.
    mutating func integer(in range: Range<Int>) -> Int
    /// The numbers 0..<count in random order.
    mutating func permutation(_ count: Int) -> [Int]
    /// `count` different ones of `candidates`, in the order in which they were drawn.
    mutating func choose(_ count: Int, from candidates: [Int]) -> [Int]
}

extension CounterRandom: MaskDraws {
    public mutating func uniform(from first: Double, to second: Double) -> Double {
        first + uniform() * (second - first)
    }

    /// The first steps of a Fisher-Yates shuffle.
    public mutating func choose(_ count: Int, from candidates: [Int]) -> [Int] {
        require(
            (0...candidates.count).contains(count),
            "CounterRandom: \(count) different ones of \(candidates.count)")
        var order = candidates
        for place in 0..<count { order.swapAt(place, integer(in: place..<order.count)) }
        return Array(order.prefix(count))
    }
}
