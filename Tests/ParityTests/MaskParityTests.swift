import TestSupport
import Testing
import Torch

@testable import Data

/// Plays recorded choices again, and expects each to be asked for as it was recorded.
struct Replay: MaskDraws {
    enum Draw {
        /// The bounds where they were recorded.
        case uniform(Double, within: (Double, Double)?)
        case integer(Int, within: Range<Int>?)
        case order([Int])
        /// Places among the candidates.
        case choice([Int])
    }

    private var draws: ArraySlice<Draw>
    let name: String

    init(_ draws: [Draw], _ name: String) { (self.draws, self.name) = (draws[...], name) }

    /// Expects all choices to have been asked for.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(draws.isEmpty, "\(name): not asked for", sourceLocation: sourceLocation)
    }

    private mutating func next() -> Draw? {
        if draws.isEmpty { Issue.record("\(name): asked for more than was recorded") }
        return draws.popFirst()
    }

    private func mismatch(_ asked: String, _ draw: Draw?) {
        if let draw { Issue.record("\(name): asked for \(asked), recorded is \(draw)") }
    }

    mutating func uniform(from first: Double, to second: Double) -> Double {
        let draw = next()
        guard case .uniform(let value, let bounds)? = draw else {
            mismatch("a number", draw)
            return first
        }
        if let bounds, abs(bounds.0 - first) > 1e-12 || abs(bounds.1 - second) > 1e-12 {
            mismatch("a number from \(first) to \(second)", draw)
        }
        return value
    }

    mutating func integer(in range: Range<Int>) -> Int {
        let draw = next()
        guard case .integer(let value, let bounds)? = draw, bounds ?? range == range,
            range.contains(value)
        else {
            mismatch("a whole number in \(range)", draw)
            return range.lowerBound
        }
        return value
    }

    mutating func permutation(_ count: Int) -> [Int] {
        let draw = next()
        guard case .order(let order)? = draw, order.count == count else {
            mismatch("an order of \(count)", draw)
            return Array(0..<count)
        }
        return order
    }

    mutating func choose(_ count: Int, from candidates: [Int]) -> [Int] {
        if count == 0 { return [] }
        let draw = next()
        guard case .choice(let places)? = draw, places.count == count,
            places.allSatisfy(candidates.indices.contains)
        else {
            mismatch("\(count) of \(candidates.count)", draw)
            return Array(candidates.prefix(count))
        }
        return places.map { candidates[$0] }
    }
}

/// Masks equal to the recorded ones, choice by choice, or drawn from the same distribution.
@Suite("Masks equal to the reference") struct MaskParityTests {
    /// What many draws of a sampler hide.
    private struct Statistics {
        var counts: [Int] = []
        var frequency: [Double]
        let grid: MaskGrid

        init(_ sampler: some MaskSampler, on grid: MaskGrid, draws: Int) throws {
            try sampler.validate(on: grid)
            var hits = [Int](repeating: 0, count: grid.count)
            for sample in 0..<draws {
                var random = CounterRandom(seed: 1, purpose: .mask, sample: sample)
                let mask = sampler.mask(on: grid, random: &random)
                counts.append(mask.hiddenCount)
                for index in mask.hiddenIndices { hits[index] += 1 }
            }
            frequency = hits.map { Double($0) / Double(draws) }
            self.grid = grid
        }

        var map: Tensor {
            Tensor(frequency.map { Float($0) }, shape: [grid.rows, grid.columns])
        }
        var ratios: [Double] { counts.map { Double($0) / Double(grid.count) } }
        var mean: Double { counts.reduce(0) { $0 + Double($1) } / Double(counts.count) }
        func histogram(_ length: Int) -> [Int] {
            counts.reduce(into: [Int](repeating: 0, count: length)) { $0[$1] += 1 }
        }
    }

    // MARK: - SimMIM

    @Test("SimMIM", arguments: ParityTable.cases("beyondcls", "simmim_mask_generator"))
    func simMIM(item: ParityCase) throws {
        for (index, entry) in try item.config.array("cases").enumerated() {
            let side = try entry.int("input_size")
            let grid = try MaskGrid(
                height: side, width: side, patchSize: entry.int("model_patch_size"))
            var sampler = SimMIMMask()
            sampler.unit = try entry.int("mask_patch_size")
            sampler.ratio = try entry.double("mask_ratio")
            try sampler.validate(on: grid)
            let orders = try item.tensor("in/permutation\(index)")
            let (rows, length) = (orders.shape[0], orders.shape[1])
            #expect(try sampler.hiddenCount(of: length) == entry.int("mask_count"))
            let values = orders.values(as: Int.self)
            let masks = (0..<rows).map { row in
                let order = Array(values[row * length..<(row + 1) * length])
                var replay = Replay([.order(order)], "\(item.name) \(index)")
                defer { replay.finish() }
                return sampler.mask(on: grid, random: &replay)
            }
            item.compare("out/mask\(index)", Tensor(masks).to(dtype: .uint8))
        }
        for name in try item.names("out/mean_mask_") {
            // out/mean_mask_<picture>_<unit>_<patch>_over_<draws>
            let numbers = name.split(separator: "_").compactMap { Int($0) }
            try #require(numbers.count == 4)
            var sampler = SimMIMMask()
            sampler.unit = numbers[1]
            let grid = try MaskGrid(
                height: numbers[0], width: numbers[0], patchSize: numbers[2])
            let found = try Statistics(sampler, on: grid, draws: numbers[3])
            #expect(
                try Set(found.counts)
                    == Set(item.config.array("masked_tokens_always").map { try $0.int }))
            item.compare(name, found.map, tolerance: .absolute(0.02))
        }
        item.finish()
    }

    // MARK: - iBOT

    private func ibot(_ entry: ParityConfig) throws -> (IBOTMask, MaskGrid) {
        var sampler = IBOTMask()
        sampler.ratio = try entry.array("ratio").map { try $0.double }
        sampler.spread = try entry.array("var").map { try $0.double }
        if entry.contains("shape") {
            sampler.shape = try entry.string("shape") == "block" ? .block : .random
        }
        let side = try entry.int("H")
        let width = entry.contains("W") ? try entry.int("W") : side
        return (sampler, MaskGrid(rows: side, columns: width, patchSize: try entry.int("p")))
    }

    @Test("iBOT, choice by choice", arguments: ParityTable.cases("ibot", "mask_block_replay"))
    func ibotReplay(item: ParityCase) throws {
        for (index, entry) in try item.config.array("cases").enumerated() {
            let (sampler, grid) = try ibot(entry)
            try sampler.validate(on: grid)
            for name in try item.names("out/\(index)/") {
                let run = name.dropFirst(4).dropLast("/mask".count)
                let draws = try item.tensor("out64/in/\(run)/draws").values(as: Double.self)
                var replay = Replay(
                    stride(from: 0, to: draws.count, by: 4).map { row in
                        let (low, high, value) = (draws[row + 1], draws[row + 2], draws[row + 3])
                        return draws[row] == 0
                            ? .uniform(value, within: (low, high))
                            : .integer(Int(value), within: Int(low)..<Int(high) + 1)
                    }, "\(item.name) \(run)")
                let mask = sampler.mask(on: grid, random: &replay)
                replay.finish()
                item.compare(name, Tensor(mask.hidden, shape: [grid.rows, grid.columns]))
            }
        }
        item.finish()
    }

    @Test("iBOT, statistics", arguments: ParityTable.cases("ibot", "mask_statistics"))
    func ibotStatistics(item: ParityCase) throws {
        let draws = try item.config.int("draws")
        let entries = try item.config.object("cases")
        for name in try entries.keys {
            let entry = try entries.object(name)
            let (sampler, grid) = try ibot(entry)
            let found = try Statistics(sampler, on: grid, draws: draws)
            let histogram = try item.tensor("out/\(name)/count_hist")
            item.compareHistogram(
                "out/\(name)/count_hist", found.histogram(histogram.shape[0]))
            item.compareShares(
                "out/\(name)/freq", recordedDraws: draws, found.frequency, draws: draws)
            // The README's limits are those of 10,000 draws; fewer vary more.
            let scale = max(1, (10_000 / Double(draws)).squareRoot())
            item.compare("out/\(name)/mean_min_max_std") {
                Self.problem(of: found.ratios, near: $0.doubles, limit: 0.01 * scale)
            }
            let empty = Double(found.counts.count { $0 == 0 }) / Double(draws)
            let problem = SampleComparison.part(
                empty, of: draws, near: try entry.double("frac_empty"), recordedCount: draws,
                limit: 0.02 * scale)
            #expect(problem == nil, "\(name): whole pictures")
        }
        item.finish()
    }

    /// Which of mean, least, greatest and standard deviation differs from the recorded one of as
    /// many draws by more than a limit and than chance allows: in a small grid a patch is more than
    /// the limit.
    private static func problem(
        of ratios: [Double], near facts: [Double], limit: Double
    ) -> String? {
        guard facts.count == 4 else { return "\(facts.count) facts" }
        func extreme(_ found: Double?, _ fact: Double, isLeast: Bool) -> String? {
            guard let found, abs(found - fact) <= limit else {
                return SampleComparison.extreme(ratios, near: fact, isLeast: isLeast)
            }
            return nil
        }
        return SampleComparison.mean(
            ratios, near: facts[0], recordedCount: ratios.count, limit: limit)
            ?? extreme(ratios.min(), facts[1], isLeast: true)
            ?? extreme(ratios.max(), facts[2], isLeast: false)
            ?? SampleComparison.deviation(
                ratios, near: facts[3], recordedCount: ratios.count, limit: limit)
    }

    // MARK: - BEiT

    private func beit(_ name: String, _ statistics: ParityConfig) throws -> (BEiTMask, MaskGrid) {
        var sampler = BEiTMask()
        sampler.count = try statistics.int("num")
        sampler.minBlock = try statistics.int("min_block")
        sampler.maxBlock = try statistics.int("max_block")
        let kind = name.prefix { $0 != "_" }
        sampler.completion = kind == "cae" ? .blocks : kind == "beit2" ? .patches : .none
        let grid = try statistics.array("grid")
        return (sampler, MaskGrid(rows: try grid[0].int, columns: try grid[1].int))
    }

    @Test(
        "BEiT, BEiT v2, CAE: choice by choice, and how often each patch is hidden",
        arguments: ParityTable.cases("mapet", "block_masking"))
    func beitReplay(item: ParityCase) throws {
        let statistics = try item.config.object("statistics")
        let cases = try item.config.object("cases")
        for run in try cases.keys {
            let name = String(run.prefix { $0 != "/" })
            let (sampler, grid) = try beit(name, statistics.object(name))
            let entry = try cases.object(run)
            let values = try item.tensor("in/\(run)/draws_f64").values(as: Double.self)
            var draws: [Replay.Draw] = zip(try entry.string("kinds"), values).map { kind, value in
                kind == "u" ? .uniform(value, within: nil) : .integer(Int(value), within: nil)
            }
            draws += try entry.array("choice").map { .choice(try $0.array.map { try $0.int }) }
            var replay = Replay(draws, "\(item.name) \(run)")
            let mask = sampler.mask(on: grid, random: &replay)
            replay.finish()
            item.compare(
                "out/\(run)",
                Tensor(mask.hidden.map { Int32($0 ? 1 : 0) }, shape: [grid.rows, grid.columns]))
        }
        for name in try statistics.keys {
            let (sampler, grid) = try beit(name, statistics.object(name))
            let found = try Statistics(sampler, on: grid, draws: 10_000)
            item.compare("out/\(name)/frequency", found.map, tolerance: .absolute(0.02))
        }
        item.finish()
    }

    @Test("BEiT, BEiT v2, CAE: statistics")
    func beitStatistics() throws {
        guard let file = try ParityFolder.inUse.json("mapet/mask_statistics.json") else {
            return print("mapet/mask_statistics.json: not in the folder in use, not compared")
        }
        for name in try file.keys {
            let entry = try file.object(name)
            let (sampler, grid) = try beit(name, entry)
            let histogram = try entry.object("histogram")
            var recorded: [(Double, Double)] = []
            for count in try histogram.keys {
                recorded.append((try #require(Double(count)), try histogram.double(count)))
            }
            let draws = Int(recorded.reduce(0) { $0 + $1.1 })
            let found = try Statistics(sampler, on: grid, draws: draws)
            let (distance, limit) = kolmogorovSmirnov(
                recorded, found.counts.map { (Double($0), 1) })
            #expect(distance <= limit, "\(name): counts")
            #expect(try abs(found.mean - entry.double("mean")) < 0.1, "\(name)")
            #expect(try found.counts.max() == entry.int("max"), "\(name)")
            let places = [
                ("freq_corner", 0, 0), ("freq_centre", grid.rows / 2, grid.columns / 2),
                ("freq_edge", 0, grid.columns / 2),
            ]
            for (key, row, column) in places {
                let share = found.frequency[row * grid.columns + column]
                #expect(try abs(share - entry.double(key)) < 0.02, "\(name): \(key)")
            }
        }
    }

    // MARK: - MaPeT

    @Test(
        "MaPeT: who sees whom", arguments: ParityTable.cases("mapet", "mapet_masks"))
    func permutations(item: ParityCase) throws {
        let upper = try item.config.int("upper_limit")
        for entry in try item.config.array("cases") {
            let (count, context) = (try entry[0].int, try entry[1].int)
            try compare(item, "N\(count)_L\(context)/", context: context, upper: upper)
        }
        item.finish()
    }

    @Test(
        "MaPeT: a limit of ranks", arguments: ParityTable.cases("mapet", "mapet_masks_upper"))
    func permutationLimit(item: ParityCase) throws {
        try compare(
            item, "", context: item.config.int("least"), upper: item.config.int("upper"))
        item.finish()
    }

    private func compare(_ item: ParityCase, _ prefix: String, context: Int, upper: Int) throws {
        // The reference numbers tokens from 1.
        let tokens = try item.tensor("in/\(prefix)permutation").values(as: Int.self).map { $0 - 1 }
        try #require(tokens.first == 0, "the class token is first")
        var sampler = PermutationMask()
        (sampler.contextTokens, sampler.upperLimit) = (context, upper)
        var replay = Replay([.order(tokens.dropFirst().map { $0 - 1 })], item.name)
        let order = sampler.order(
            on: MaskGrid(rows: 1, columns: tokens.count - 1), random: &replay)
        let (n, p) = (tokens.count, tokens.count - context)
        item.compare("out/\(prefix)predict", Tensor(order.isPredicted))
        item.compare("out/\(prefix)upper", Tensor(order.countsInLoss))
        let batch = PermutationBatch([order])
        let masks = [
            ("content", order.contentMask, batch.contentMask, [n + p, n + p]),
            ("query", order.queryMask, batch.queryMask, [p, n + p]),
        ]
        for (name, values, tensor, shape) in masks {
            item.compare("out/\(prefix)mask_\(name)", Tensor(values, shape: shape))
            expect(tensor, closeTo: Tensor(values, shape: [1] + shape), .exact)
        }
    }
}
