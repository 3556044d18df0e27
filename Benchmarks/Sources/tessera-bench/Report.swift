/// What the table and `bench.json` say of a pair of measurements.
enum Report {
    /// What several threads of a loader bring, in parts of so many times one thread: the median of
    /// the rounds, in each of which one and all threads load as many pictures a thread.
    static func scaling(_ benchmark: Benchmark, _ outcome: Contest.Outcome) -> Result {
        let parts = zip(outcome.peer, outcome.ours).map { one, all in one.seconds / all.seconds }
        return Result(
            benchmark.name, unit: "of \(benchmark.settings.workers) x one thread",
            ours: median(parts), peer: nil, largerIsBetter: true)
    }

    static func results(of benchmark: Benchmark, _ outcome: Contest.Outcome) -> [Result] {
        guard !benchmark.isScaling else { return [scaling(benchmark, outcome)] }
        func value(_ samples: [Sample]) -> Double? {
            median(samples.map(\.seconds)).map(benchmark.measure.value)
        }
        let speed = Result(
            benchmark.name, unit: benchmark.measure.unit, ours: value(outcome.ours),
            peer: value(outcome.peer), largerIsBetter: benchmark.measure.largerIsBetter)
        var results = [speed]
        if benchmark.reportsMemory {
            let mebibyte = 1024.0 * 1024
            results.append(
                smaller("peak_memory", "MiB") { $0.map { Double($0.peakMemory) / mebibyte }.max() })
            if benchmark.settings.device == "cpu" {
                results.append(
                    smaller("page_faults", "faults/step") {
                        median($0.map { Double($0.pageFaults) })
                    })
            }
        }
        if benchmark.reportsExtraMemory {
            results.append(
                smaller("extra_memory", "MiB") { samples in
                    median(samples.compactMap { $0.extraMemory.map { Double($0) / 0x1p20 } })
                })
        }
        if let operations = benchmark.operations {
            func perSecond(_ samples: [Sample]) -> Double? {
                median(samples.map(\.seconds)).map { operations / $0 }
            }
            func add(_ what: String, _ unit: String, per one: Double) {
                results.append(
                    Result(
                        benchmark.name + what, unit: unit,
                        ours: perSecond(outcome.ours).map { $0 / one },
                        peer: perSecond(outcome.peer).map { $0 / one }, largerIsBetter: true))
            }
            add("_tflops", "TFLOP/s", per: 1e12)
            if let peak = benchmark.peak { add("_peak", "% of dense bf16 peak", per: peak / 100) }
        }
        return results

        func smaller(
            _ what: String, _ unit: String, _ value: ([Sample]) -> Double?
        ) -> Result {
            Result(
                "\(benchmark.name)_\(what)", unit: unit, ours: value(outcome.ours),
                peer: value(outcome.peer), largerIsBetter: false)
        }
    }
}
