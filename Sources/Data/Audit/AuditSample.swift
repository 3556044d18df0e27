/// Which pictures of a source an audit looks at: all, or one out of each of equal stretches.
struct AuditSample: Sendable {
    let count: Int
    let size: Int

    init(count: Int, limit: Int?) {
        self.count = count
        size = min(count, limit ?? count)
    }

    /// The picture of a number below `size`; a function of it and the counts alone.
    subscript(number: Int) -> Int {
        guard size < count else { return number }
        // Full width: the product of two counts may be beyond 64 bits.
        func start(_ number: Int) -> Int {
            size.dividingFullWidth(number.multipliedFullWidth(by: count)).quotient
        }
        var random = CounterRandom(seed: 0, purpose: .evaluation, sample: number)
        return random.integer(in: start(number)..<start(number + 1))
    }
}
