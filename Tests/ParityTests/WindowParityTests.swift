import Imaging
import TestSupport
import Testing
import Torch

@testable import Data

/// Windows of patches, and the sequences that pictures are packed into.
@Suite("Windows and packing equal to the reference") struct WindowParityTests {
    private func split(_ config: ParityConfig) throws -> WindowSplit {
        var split = WindowSplit()
        split.windowSize = try config.int("window_size")
        split.minContext = try config.double("min_context_capacity")
        split.maxContext = try config.double("max_context_capacity")
        return split
    }

    /// The rows of a recorded table.
    private func table(_ item: ParityCase, _ name: String) throws -> [[Int]] {
        let tensor = try item.tensor(name)
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        let values = tensor.values(as: Int.self)
        return (0..<rows).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
    }

    private func tensor(_ rows: [[Int]]) -> Tensor {
        Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
    }

    // MARK: - Splits

    @Test(
        "how many windows are context",
        arguments: ParityTable.cases("featurenorm", "context_window_ranges"))
    func ranges(item: ParityCase) throws {
        var split = WindowSplit()
        split.windowSize = try item.config.int("window_size")
        let rows = try table(item, "out/table").map { row in
            split.minContext = Double(row[2]) / 10_000
            split.maxContext = Double(row[3]) / 10_000
            let windows = row[0] * row[1] / split.windowPatches
            let range = split.contextWindows(of: windows, maxPatches: row[4])
            return row.prefix(5) + [range.lowerBound, range.upperBound, range.count > 1 ? 1 : 0]
        }
        item.compare("out/table", tensor(rows.map(Array.init)))
        item.finish()
    }

    @Test(
        "contexts and targets of given orders",
        arguments: ParityTable.cases("featurenorm", "context_target_split"))
    func splits(item: ParityCase) throws {
        let config = try item.config
        let split = try split(config)
        for name in try item.names("in/patches") {
            let index = name.dropFirst("in/patches".count)
            let patches = try item.tensor(name)
            let grid = MaskGrid(rows: patches.shape[0], columns: patches.shape[1])
            let length = patches.shape[2]
            let longest = try config.int("max_context_sequence_length")
            let range = split.contextWindows(
                of: grid.count / split.windowPatches, maxPatches: longest)
            item.compare("out/range\(index)", Tensor([range.lowerBound, range.upperBound]))
            let count = try item.tensor("in/num_context_windows\(index)").values(as: Int.self)[0]
            let order = try item.tensor("in/perm\(index)").values(as: Int.self)
            var draws = [Replay.Draw.order(order)]
            if range.count > 1 {
                let bounds = range.lowerBound..<range.upperBound + 1
                draws.insert(.integer(count, within: bounds), at: 0)
            }
            var replay = Replay(draws, "\(item.name) \(index)")
            let result = split.split(grid, maxPatches: longest, random: &replay)
            replay.finish()
            let rows = patches.reshaped(grid.count, length)
            for (name, list) in [("x", result.contexts[0]), ("y", result.targets[0])] {
                item.compare("out/\(name)\(index)", rows.selecting(Tensor(list), 0))
                let places = TokenID.tokens(sample: 0, registers: 0, patches: list, on: grid)
                item.compare(
                    "out/\(name)_pos\(index)", tensor(places.map { [$0.row, $0.column] }))
            }
        }
        item.finish()
    }

    @Test(
        "how often each number of context windows is drawn",
        arguments: ParityTable.cases("featurenorm", "context_split_stats"))
    func splitStatistics(item: ParityCase) throws {
        let config = try item.config
        let split = try split(config)
        let grid = MaskGrid(rows: try config.int("nph"), columns: try config.int("npw"))
        let draws = try config.int("draws")
        var counts = [Int](
            repeating: 0, count: try item.tensor("out/num_context_window_hist").count)
        for sample in 0..<draws {
            var random = CounterRandom(seed: 3, purpose: .mask, sample: sample)
            let result = split.split(
                grid, maxPatches: try config.int("max_context_sequence_length"), random: &random)
            counts[result.contexts[0].count / split.windowPatches] += 1
        }
        item.compareHistogram("out/num_context_window_hist", counts, draws: draws)
        item.finish()
    }

    @Test(
        "lengths of sequences",
        arguments: ParityTable.cases("featurenorm", "dataset_config_derived"))
    func lengths(item: ParityCase) throws {
        let rows = try table(item, "out/table").map { row in
            var split = WindowSplit()
            split.windowSize = row[2]
            split.minContext = Double(row[3]) / 10_000
            split.maxContext = Double(row[4]) / 10_000
            split.longestContext = Double(row[5]) / 10_000
            split.registers = row[6]
            let found = split.lengths(maxSide: row[0], patchSize: row[1])
            return Array(row.prefix(7)) + [
                found.sideMultiple, found.pixels, found.contextPatches, found.targetPatches,
                found.contextTokens,
            ]
        }
        item.compare("out/table", tensor(rows))
        item.finish()
    }

    @Test(
        "shapes of a batch for analysis",
        arguments: ParityTable.cases("featurenorm", "repeated_data_shapes"))
    func repeatedShapes(item: ParityCase) throws {
        let config = try item.config
        var split = WindowSplit()
        split.windowSize = try config.int("mask_window_size")
        split.registers = try config.int("num_register_tokens")
        let patch = try config.int("patch_size")
        let lengths = split.lengths(maxSide: try config.int("max_side_length"), patchSize: patch)
        let rows = [
            try config.int("num_unique_samples"), try config.int("num_repeat_samples"),
            lengths.tokens,
        ]
        let picture = ImageBuffer(width: patch, height: patch, channels: 3)
        let place = TokenID.padding.values.dropFirst()
        item.compare("out/shape_patches", Tensor(rows + [picture.patchBytes(patch).count]))
        item.compare("out/shape_position_ids", Tensor(rows + [place.count]))
        item.compare("out/shape_sample_ids", Tensor(rows))
        item.finish()
    }

    // MARK: - Sampling

    @Test(
        "windows of given scores", arguments: ParityTable.cases("featurenorm", "window_sampling"))
    func sampling(item: ParityCase) throws {
        let config = try item.config
        var sampling = WindowSampling()
        sampling.capacity = try config.double("capacity")
        sampling.repeats = try config.int("r")
        let (sequences, windows) = (try config.int("b"), try config.int("s"))
        try sampling.validate(windows: windows)
        func rows(_ name: String, _ row: Int) throws -> [Double] {
            let values = try item.tensor(name).values(as: Double.self)
            return Array(values[row * windows..<(row + 1) * windows])
        }
        func padding(_ name: String, _ row: Int) throws -> [Bool] {
            try rows(name, row).map { $0 != 0 }
        }
        var with: [[Int]] = []
        var without: [[Int]] = []
        for turn in 0..<sampling.repeats {
            for sequence in 0..<sequences {
                with.append(
                    sampling.best(
                        scores: try rows("in/scores_with", turn * sequences + sequence),
                        isPadding: try padding("in/mask_with", sequence)))
                without.append(
                    sampling.chunks(
                        scores: try rows("in/scores_without", sequence),
                        isPadding: try padding("in/mask_without", sequence))[turn])
            }
        }
        // The order within a row is left open: a row with the same windows counts as the recorded.
        let recorded = try table(item, "out/idx_with")
        let ordered = zip(with, recorded).map { Set($0) == Set($1) ? $1 : $0 }
        item.compare("out/idx_with", tensor(ordered))
        item.compare("out/idx_with_sorted", tensor(with.map { $0.sorted() }))
        item.compare("out/idx_without", tensor(without))
        item.compare("out/idx_without_sorted", tensor(without.map { $0.sorted() }))

        let counts = try table(item, "out/k_table_s_cap100_k").map { row in
            var sampling = WindowSampling()
            // The column is a rounded percentage: 12 and 38 stand for 1/8 and 3/8.
            let eighths = (1...8).map { Double($0) / 8 }
            let eighth = eighths.first { WindowSplit.rounded(100 * $0) == row[1] }
            sampling.capacity = eighth ?? Double(row[1]) / 100
            return [row[0], row[1], sampling.keptCount(of: row[0])]
        }
        item.compare("out/k_table_s_cap100_k", tensor(counts))

        let name = "out/selection_frequency_masked_last3"
        let count = try item.tensor(name).count
        var hits = [Float](repeating: 0, count: count)
        let isPadding = (0..<count).map { $0 >= count - 3 }
        sampling.repeats = 1
        for sample in 0..<10_000 {
            var random = CounterRandom(seed: 3, purpose: .mask, sample: sample)
            for window in sampling.windows(isPadding: isPadding, random: &random)[0] {
                hits[window] += 1
            }
        }
        item.compare(name, Tensor(hits.map { $0 / 10_000 }), tolerance: .absolute(0.02))
        item.finish()
    }

    // MARK: - Packing

    @Test("packed pictures", arguments: ParityTable.cases("featurenorm", "pair_packer"))
    func packer(item: ParityCase) throws {
        let config = try item.config
        let (x, y) = (try config.int("pack_size_x"), try config.int("pack_size_y"))
        let sequences = try config.int("batch_size")
        var packer = PairPacker(
            contextLength: x, targetLength: y, sequences: sequences, losesOverflow: true)
        let padding = TokenID.padding
        let empty = [padding.register, padding.row, padding.column]
        var (ids, places, patches): ([Int], [Int], [Int]) = ([], [], [])
        var emitting: [Int] = []
        for row in try table(item, "in/lengths_sid_lx_ly") {
            guard let full = try packer.append(id: row[0], context: row[1], target: row[2])
            else { continue }
            emitting.append(row[0])
            for sequence in full {
                var rows = [(id: Int, place: [Int], patch: [Int])](
                    repeating: (padding.sample, empty, [0, 0]), count: x + y)
                // Token j of a context was recorded as pixels 3 id + 2 j at (j, id + j), that of a
                // target as 49 more at (j, 100 + id + j).
                for sample in sequence {
                    let id = sample.id
                    for (j, slot) in sample.context.enumerated() {
                        rows[slot] = (
                            id, [TokenID.none, j, id + j], [3 * id + 2 * j, 3 * id + 2 * j + 1]
                        )
                    }
                    for (j, slot) in sample.target.enumerated() {
                        let first = 49 + 3 * id + 2 * j
                        rows[x + slot] = (id, [TokenID.none, j, 100 + id + j], [first, first + 1])
                    }
                }
                ids += rows.map(\.id)
                places += rows.flatMap(\.place)
                patches += rows.flatMap(\.patch)
            }
        }
        let shape = [emitting.count, sequences, x + y]
        item.compare("out/emitted_when_appending_sid", Tensor(emitting))
        item.compare("out/present_sample_ids", Tensor(Set(ids).subtracting([-100]).sorted()))
        item.compare("out/sample_ids", Tensor(ids, shape: shape))
        item.compare("out/position_ids", Tensor(places, shape: shape + [3]))
        item.compare("out/patches", Tensor(patches, shape: shape + [2]))
        item.finish()
    }

    @Test(
        "how full sequences are", arguments: ParityTable.cases("featurenorm", "pair_packer_stats"))
    func packerStatistics(item: ParityCase) throws {
        let config = try item.config
        let (x, y) = (try config.int("pack_size_x"), try config.int("pack_size_y"))
        let sequences = try config.int("batch_size")
        var packer = PairPacker(
            contextLength: x, targetLength: y, sequences: sequences, losesOverflow: true)
        let split = WindowSplit()
        let batches = try item.tensor("out/padding_fraction_per_batch").count
        var padding: [Double] = []
        var samples: [Double] = []
        var sample = 0
        while padding.count < batches {
            sample += 1
            var random = CounterRandom(seed: 11, purpose: .mask, sample: sample)
            let grid = MaskGrid(
                rows: split.windowSize * random.integer(in: 2..<9),
                columns: split.windowSize * random.integer(in: 2..<9))
            let result = split.split(grid, maxPatches: x, random: &random)
            guard
                let full = try packer.append(
                    id: sample, context: result.contexts[0].count, target: result.targets[0].count)
            else { continue }
            let tokens = full.joined().reduce(0) { $0 + $1.context.count + $1.target.count }
            padding.append(1 - Double(tokens) / Double(sequences * (x + y)))
            samples.append(Double(full.joined().count) / Double(sequences))
        }
        // Which sizes were packed is not recorded, only their range: a coarse test.
        item.compareSample("out/padding_fraction_per_batch", padding)
        item.compareSample("out/samples_per_sequence", samples)
        item.finish()
    }

    @Test(
        "pictures as tokens", arguments: ParityTable.cases("featurenorm", "patchify_validation"))
    func tokens(item: ParityCase) throws {
        let patch = try item.config.int("patch_size")
        let registers = try item.config.int("num_register_tokens")
        let bytes = try item.tensor("in/image")
        let (height, width, channels) = (bytes.shape[0], bytes.shape[1], bytes.shape[2])
        let picture = ImageBuffer(
            width: width, height: height, channels: channels, pixels: bytes.values(as: UInt8.self))
        let grid = try MaskGrid(height: height, width: width, patchSize: patch)
        let length = patch * patch * channels
        let patches = picture.patchBytes(patch)
        item.compare(
            "out/patches_grid", Tensor(patches, shape: [grid.rows, grid.columns, length]))
        let ids = TokenID.tokens(
            sample: 0, registers: registers, patches: 0..<grid.count, on: grid)
        item.compare("out/token_ids", tensor(ids.map(\.values)))
        item.compare(
            "out/position_grid",
            Tensor(
                ids.dropFirst(registers).flatMap { [$0.row, $0.column] },
                shape: [grid.rows, grid.columns, 2]))
        let tokens = Tensor(
            [UInt8](repeating: 0, count: registers * length) + patches,
            shape: [registers + grid.count, length])
        item.compare("out/tokens", tokens)
        item.compare("out/scaled", tokens.scaledToSymmetricRange(.float32), tolerance: .exact)
        item.compare(
            "out/scaled_bf16", tokens.scaledToSymmetricRange(.bfloat16).to(dtype: .float32),
            tolerance: .exact)
        item.finish()
    }

    @Test("facts of a batch", arguments: ParityTable.cases("featurenorm", "batch_metrics"))
    func metrics(item: ParityCase) throws {
        let ids = try item.tensor("in/token_ids")
        let (sequences, tokens) = (ids.shape[0], ids.shape[1])
        let values = ids.values(as: Int.self)
        let rows = (0..<sequences).map { sequence in
            (0..<tokens).map { token in
                let start = (sequence * tokens + token) * 4
                return TokenID(
                    sample: values[start], register: values[start + 1], row: values[start + 2],
                    column: values[start + 3])
            }
        }
        let found = PackingMetrics(
            rows, patchSize: try item.config.int("patch_size"),
            averaged: try item.config.int("sub_batch"))
        func scalar(_ value: Double) -> Tensor { Tensor([Float(value)]).reshaped([]) }
        item.compare("out/mask_rate", scalar(found.paddingShare))
        item.compare("out/max_image_height", scalar(Double(found.maxHeight)))
        item.compare("out/max_image_width", scalar(Double(found.maxWidth)))
        item.compare("out/avg_side_length", scalar(found.averageSide))
        item.compare("out/num_samples_in_batch", Tensor([found.sampleCount]).reshaped([]))
        item.finish()
    }
}
