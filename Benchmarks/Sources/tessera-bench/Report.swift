/// What the table and `bench.json` say of a pair of measurements.
enum Report {
    /// What several threads of a loader bring, in parts of so many times one thread.
    static func scaling(_ results: [Result], threads: Int) -> [Result] {
        results.compactMap { one in
            guard one.name.hasPrefix("load_"), one.name.hasSuffix("_1"), threads > 1,
                let all = results.first(where: { $0.name == one.name.dropLast() + "\(threads)" })
            else { return nil }
            func part(_ all: Double?, _ one: Double?) -> Double? {
                all.flatMap { all in one.map { all / ($0 * Double(threads)) } }
            }
            return Result(
                one.name.dropLast() + "scaling", unit: "of \(threads) x one thread",
                ours: part(all.ours, one.ours), peer: part(all.peer, one.peer),
                largerIsBetter: true)
        }
    }

    static func results(of benchmark: Benchmark, _ outcome: Contest.Outcome) -> [Result] {
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
