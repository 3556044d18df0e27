import Foundation

/// What a random draw is for; draws of different purposes are independent.
///
/// Raw values are part of what a seed means: never change or re-use one.
public enum RandomPurpose: UInt8, Sendable, CaseIterable {
    case order = 1
    case augmentation = 2
    case mask = 3
    case mixing = 4
    case method = 5
    case evaluation = 6
    /// Sizes that the masks of a batch have in common; the sample is the number of the step.
    case maskSize = 7
    /// Test pictures that an interval of confidence is estimated with; the sample is the resample.
    case bootstrap = 8
    case clustering = 9
    /// Branches that are dropped; the epoch is the step, the sample a part of its pictures.
    case dropPath = 10
}

/// A random stream that is a pure function of (seed, purpose, epoch, sample, view).
///
/// Philox4x32-10 (Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, 2011): the key is
/// the seed, the counter holds the other coordinates and the number of the block. Any stream can be
/// opened at any time on any thread, so neither threads nor a resumed run change what is drawn.
public struct CounterRandom: RandomNumberGenerator, Sendable {
    private let key: (UInt32, UInt32)
    private var counter: (UInt32, UInt32, UInt32, UInt32)
    private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var left = 0
    private var spareNormal: Double?

    /// The stream of one sample and view; `sample` below 2⁴⁰, `view` below 2¹⁶.
    public init(
        seed: UInt64, purpose: RandomPurpose, epoch: Int = 0, sample: Int = 0, view: Int = 0
    ) {
        require(
            (0..<1 << 32).contains(epoch) && (0..<1 << 40).contains(sample)
                && (0..<1 << 16).contains(view),
            "CounterRandom: epoch \(epoch), sample \(sample), view \(view) out of range")
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        counter = (
            0, UInt32(truncatingIfNeeded: sample), UInt32(truncatingIfNeeded: epoch),
            UInt32(purpose.rawValue) << 24 | UInt32(view) << 8
                | UInt32(truncatingIfNeeded: sample >> 32)
        )
    }

    /// The next 32 bits.
    public mutating func next32() -> UInt32 {
        if left == 0 {
            block = philox(counter, key: key)
            counter.0 &+= 1
            left = 4
        }
        left -= 1
        switch left {
        case 3: return block.0
        case 2: return block.1
        case 1: return block.2
        default: return block.3
        }
    }

    public mutating func next() -> UInt64 {
        let low = UInt64(next32())
        return low | UInt64(next32()) << 32
    }

    /// Uniform in [0, 1): a multiple of 2⁻²⁴.
    public mutating func uniform() -> Float { Float(next32() >> 8) * 0x1p-24 }

    /// Uniform in [0, 1): a multiple of 2⁻⁵³.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in [range.lowerBound, range.upperBound).
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    }

    /// True with the given probability.
    public mutating func happens(_ probability: Double) -> Bool {
        (uniform() as Double) < probability
    }

    /// A whole number of `range`, all equally likely (Lemire 2019, with rejection).
    public mutating func integer(in range: Range<Int>) -> Int {
        require(!range.isEmpty, "CounterRandom: a number from an empty range")
        let count = UInt64(range.upperBound - range.lowerBound)
        var product = next().multipliedFullWidth(by: count)
        if product.low < count {
            let threshold = (0 &- count) % count
            while product.low < threshold { product = next().multipliedFullWidth(by: count) }
        }
        return range.lowerBound + Int(product.high)
    }

    /// Standard normal (Box and Muller 1958).
    public mutating func normal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        let radius = (-2 * log(1 - (uniform() as Double))).squareRoot()
        let angle = 2 * Double.pi * uniform()
        spareNormal = radius * sin(angle)
        return radius * cos(angle)
    }

    /// The numbers 0..<count in random order (Fisher and Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(in: 0..<last + 1))
        }
        return order
    }
}

/// Ten rounds of Philox4x32.
package func philox(
    _ counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
        let a = c0.multipliedFullWidth(by: 0xD251_1F53)
        let b = c2.multipliedFullWidth(by: 0xCD9E_8D57)
        (c0, c1, c2, c3) = (b.high ^ c1 ^ k0, b.low, a.high ^ c3 ^ k1, a.low)
        k0 &+= 0x9E37_79B9
        k1 &+= 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
}

/// Stops with the message, in release builds too (`precondition` would drop it).
func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}
