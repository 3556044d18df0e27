import Analysis
import Testing
import Training

@Suite("The verdict on a run's representation") struct CollapseVerdictTests {
    private func verdict(
        ranks: [Double] = [], spreads: [Double] = [], targets: [Double] = []
    ) -> CollapseVerdict? {
        let all = [("rank_me", ranks), ("feature_spread", spreads), ("target_std", targets)]
        let records = all.flatMap { name, values in
            values.map { MetricsRecord(step: 1, epoch: 1, values: [(name, $0)]) }
        }
        return CollapseVerdict(records, width: 100)
    }

    @Test("a run is judged by rank, spread and targets")
    func states() {
        #expect(verdict() == nil)
        #expect(verdict(ranks: [50, 40, 60])?.state == .healthy)
        // What random weights had at the start is no peak.
        #expect(verdict(ranks: [90, 20, 30])?.state == .healthy)
        #expect(verdict(ranks: [50, 60, 20])?.state == .shrinking)
        #expect(verdict(ranks: [50, 1.2])?.state == .collapsed)
        #expect(verdict(ranks: [50], spreads: [0.2, 0.001])?.state == .collapsed)
        #expect(verdict(ranks: [50], targets: [0.5, 0.01])?.state == .collapsed)
        #expect(verdict(targets: [0.5, 0.6, 0.1])?.state == .shrinking)
        #expect(verdict(targets: [0.5, 0.4])?.state == .healthy)
    }

    @Test("a loss is judged by that of who has not seen the picture, once an epoch is over")
    func losses() {
        func verdict(_ loss: Double, epoch: Double, rank: Double = 40) -> CollapseVerdict? {
            let lines = (1..<9).map { step in
                MetricsRecord(
                    step: step, epoch: epoch,
                    // What came before the last five lines does not count.
                    values: [("loss", step < 4 ? 9 : loss), ("uninformed_loss", 0.3)])
            }
            let probe = MetricsRecord(step: 9, epoch: epoch, values: [("rank_me", rank)])
            return CollapseVerdict(lines + [probe], width: 100)
        }
        #expect(verdict(0.29, epoch: 1)?.state == .healthy)
        #expect(verdict(0.31, epoch: 0.9)?.state == .healthy)
        let bad = verdict(0.31, epoch: 1)
        #expect(bad?.state == .underfit && bad?.finding.contains("0.31") == true)
        #expect(bad?.advice.contains("optim.lr") == true)
        // What is worse comes first.
        #expect(verdict(0.31, epoch: 1, rank: 1.2)?.state == .collapsed)
    }

    @Test("a teacher is judged by the entropy of its targets and the prototypes in use")
    func teachers() {
        func verdict(
            _ entropy: Double, _ kl: Double, _ used: Double?, prefix: String = ""
        ) -> CollapseVerdict? {
            let values =
                [("teacher_entropy", entropy), ("teacher_kl", kl)]
                + (used.map { [("prototypes_used", $0)] } ?? [])
            let first = MetricsRecord(step: 1, epoch: 0, values: [("rank_me", 40)])
            let lines = (2..<8).map { step in
                MetricsRecord(step: step, epoch: 1, values: values.map { (prefix + $0.0, $0.1) })
            }
            return CollapseVerdict([first] + lines, width: 100)
        }
        #expect(verdict(0.3, 0.5, 60)?.state == .healthy)
        #expect(verdict(0.999, 0.001, 1000)?.state == .collapsed)
        // Of targets that use all prototypes in any case.
        #expect(verdict(0.999, 0.001, nil)?.state == .collapsed)
        #expect(verdict(0.3, 0.5, nil)?.state == .healthy)
        // Nearly even targets of which the student knows nothing yet are a start, not an end.
        #expect(verdict(0.995, 0.5, 900)?.state == .healthy)
        for prefix in ["", "patch_"] {
            #expect(verdict(0.01, 0.001, 1.1, prefix: prefix)?.state == .collapsed)
            #expect(verdict(0.05, 0.1, 2.5, prefix: prefix)?.state == .shrinking)
        }
        // The two ways to collapse need opposite temperatures.
        for (prefix, key) in [("", "classTemperature"), ("patch_", "patchTemperature")] {
            let same = verdict(0.01, 0.001, 1.1, prefix: prefix)
            for word in ["optim.baseLr", "raise method.\(key).end", "method.centering"] {
                #expect(same?.advice.contains(word) == true)
            }
            let even = verdict(0.999, 0.001, 1000, prefix: prefix)
            for word in ["optim.baseLr", "lower method.\(key).end"] {
                #expect(even?.advice.contains(word) == true)
            }
        }
        #expect(verdict(0.3, 0.5, 60)?.advice == "")
    }

    @Test("advice names settings, and is given only where something is wrong")
    func advice() {
        #expect(verdict(ranks: [50, 40])?.advice == "")
        let bad = verdict(ranks: [50, 1.2])
        for word in ["optim.lr", "method.momentum", "method.masks"] {
            #expect(bad?.advice.contains(word) == true)
        }
        #expect(bad?.finding.contains("1.2 of 100") == true)
    }
}
