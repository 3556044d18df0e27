/// What the table and `bench.json` say of a pair of measurements.
enum Report {
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
        if let operations = benchmark.operations {
            func speed(_ samples: [Sample]) -> Double? {
                median(samples.map(\.seconds)).map { operations / $0 / 1e12 }
            }
            results.append(
                Result(
                    benchmark.name + "_tflops", unit: "TFLOP/s", ours: speed(outcome.ours),
                    peer: speed(outcome.peer), largerIsBetter: true))
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
