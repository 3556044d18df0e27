public import Testing
internal import Torch

extension ParityCase {
    /// Expects drawn numbers to come from the distribution that the recorded ones, the elements of
    /// the tensor `name`, were drawn from.
    ///
    /// Kolmogorov and Smirnov's test of two samples; where both have one distribution it fails for
    /// one seed in a thousand, so the numbers have to come from a fixed seed.
    public func compareSample(
        _ name: String, _ found: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        compareDistributions(name, sourceLocation) { recorded in
            let expected = recorded.values(as: Double.self).sorted()
            return (expected.map { ($0, 1) }, found.map { ($0, 1) })
        }
    }

    /// As `compareSample` for counts: element i of the recorded tensor `name` says how often, or in
    /// which share of `draws` draws, i was drawn.
    public func compareHistogram(
        _ name: String, _ found: [Int], draws: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        compareDistributions(name, sourceLocation) { recorded in
            let expected = recorded.values(as: Double.self).map { $0 * Double(draws ?? 1) }
            func pairs(_ counts: [Double]) -> [(Double, Double)] {
                counts.enumerated().map { (Double($0), $1) }
            }
            return (pairs(expected), pairs(found.map(Double.init)))
        }
    }

    /// Expects shares of `draws` draws, such as how often each patch was masked, to differ from the
    /// recorded shares of `recordedDraws` draws by chance alone: nowhere by more than 4.5 standard
    /// errors, which chance exceeds in one of 150,000 places.
    public func compareShares(
        _ name: String, recordedDraws: Int, _ found: [Double], draws: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            let recorded = try tensor(name).values(as: Double.self)
            let (n, m) = (Double(recordedDraws), Double(draws))
            let scores = zip(recorded, found).map { a, b in
                let share = (a * n + b * m) / (n + m)
                let error = (share * (1 - share) * (1 / n + 1 / m)).squareRoot()
                return a == b ? 0 : abs(a - b) / error
            }
            let worst = scores.max() ?? 0
            let isClose = recorded.count == found.count && worst <= 4.5
            ledger.note(self, compared: name, isClose: isClose)
            guard !isClose else { return }
            Issue.record(
                """
                \(testDescription) \(name): \(found.count) shares, \(recorded.count) recorded; \
                the worst is \(worst) standard errors off
                """, sourceLocation: sourceLocation)
        } catch {
            ledger.noteFailure(self)
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    /// Values with how often each was drawn: the recorded ones and the found ones.
    private typealias Samples = ([(Double, Double)], [(Double, Double)])

    private func compareDistributions(
        _ name: String, _ sourceLocation: SourceLocation, _ samples: (Tensor) -> Samples
    ) {
        do {
            let (expected, found) = samples(try tensor(name))
            let (distance, limit) = kolmogorovSmirnov(expected, found)
            ledger.note(self, compared: name, isClose: distance <= limit)
            guard distance > limit else { return }
            Issue.record(
                """
                \(testDescription) \(name): drawn from another distribution: the distance of \
                Kolmogorov and Smirnov is \(distance), at most \(limit) was expected
                """, sourceLocation: sourceLocation)
        } catch {
            ledger.noteFailure(self)
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }
}

/// The largest difference of the distribution functions of two samples, values with how often each
/// was drawn, and the one that chance exceeds once in a
/// thousand times.
public func kolmogorovSmirnov(_ a: [(Double, Double)], _ b: [(Double, Double)]) -> (
    distance: Double, limit: Double
) {
    let (n, m) = (a.reduce(0) { $0 + $1.1 }, b.reduce(0) { $0 + $1.1 })
    guard n > 0, m > 0 else { return (.infinity, 0) }
    let steps = a.map { ($0.0, $0.1 / n) } + b.map { ($0.0, -$0.1 / m) }
    var difference = 0.0
    var distance = 0.0
    let sorted = steps.sorted { $0.0 < $1.0 }
    for (index, step) in sorted.enumerated() {
        difference += step.1
        // Equal values step together.
        if index + 1 < sorted.count, sorted[index + 1].0 == step.0 { continue }
        distance = max(distance, abs(difference))
    }
    return (distance, 1.9495 * ((n + m) / (n * m)).squareRoot())
}
