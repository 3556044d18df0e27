import TestSupport
import Testing
import Torch

@testable import Data

/// Contexts and targets of I-JEPA and StoP equal to the recorded ones.
@Suite("Context and target blocks equal to the reference") struct MultiBlockParityTests {
    /// A sampler and grid of recorded settings.
    private func multiBlock(_ entry: ParityConfig, of item: ParityCase) throws
        -> (MultiBlockMask, MaskGrid)
    {
        func range(_ key: String) throws -> [Double] { try entry.array(key).map { try $0.double } }
        var sampler = MultiBlockMask()
        sampler.contexts = try entry.int("nenc")
        sampler.targets = try entry.int("npred")
        sampler.contextScale = try range("enc_mask_scale")
        sampler.targetScale = try range("pred_mask_scale")
        sampler.aspectRatio = try range("aspect_ratio")
        sampler.minKeep = try entry.int("min_keep")
        sampler.allowOverlap =
            entry.contains("allow_overlap") ? try entry.bool("allow_overlap") : false
        sampler.smallContexts = item.name.hasPrefix("stop") ? .contextColumns : .targetsFirst
        return (sampler, try grid(entry))
    }

    /// The grid of recorded settings, whose pictures have one side or two.
    private func grid(_ entry: ParityConfig) throws -> MaskGrid {
        let size = try entry.field("input_size")
        let (height, width) = try (try? size.int).map { ($0, $0) } ?? (size[0].int, size[1].int)
        return try MaskGrid(height: height, width: width, patchSize: entry.int("patch_size"))
    }

    @Test(
        "choice by choice",
        arguments: ParityTable.cases("stop", "ijepa_mask_multiblock")
            + ParityTable.cases("stop", "stop_mask_multiblock"))
    func replay(item: ParityCase) throws {
        for (index, entry) in try item.config.array("variants").enumerated() {
            let (sampler, grid) = try multiBlock(entry, of: item)
            for iteration in 0..<(try entry.int("iterations")) {
                let run = "v\(index)_it\(iteration)"
                let uniforms = try item.tensor("in/\(run)_uniforms").values(as: Double.self)
                let corners = try item.tensor("in/\(run)_corner_draws").values(as: Int.self)
                var replay = Replay(
                    uniforms.map { .uniform($0, within: (0, 1)) }
                        + stride(from: 0, to: corners.count, by: 2).map { row in
                            .integer(corners[row + 1], within: 0..<corners[row])
                        }, "\(item.name) \(run)")
                let sizes = sampler.sizes(on: grid, random: &replay)
                let pictures = (0..<(try entry.int("B"))).map { _ in
                    sampler.blocks(on: grid, sizes, random: &replay)
                }
                replay.finish()
                let batch = MultiBlockBatch(pictures)
                for (name, size) in [("enc", sizes.context), ("pred", sizes.target)] {
                    item.compare("out/\(run)_\(name)_block_hw", Tensor([size.height, size.width]))
                }
                for (name, lists) in [("enc", batch.contexts), ("pred", batch.targets)] {
                    for (place, list) in lists.enumerated() {
                        item.compare("out/\(run)_mask_\(name)_\(place)", list.tensor)
                    }
                }
            }
        }
        item.finish()
    }

    @Test(
        "sizes, coverage and lengths",
        arguments: ParityTable.cases("stop", "ijepa_mask_stats")
            + ParityTable.cases("stop", "stop_mask_stats"))
    func statistics(item: ParityCase) throws {
        let (sampler, grid) = try multiBlock(item.config.object("setting"), of: item)
        try sampler.validate(on: grid)
        let us = try item.tensor("in/u").values(as: Double.self)
        let sizes = us.flatMap { u -> [Int] in
            let (target, context) = (
                sampler.targetSize(u, on: grid), sampler.contextSize(u, on: grid)
            )
            return [target.height, target.width, context.height, context.width]
        }
        item.compare("out/block_hw_pred_enc", Tensor(sizes, shape: [us.count, 4]))

        let statistics = try item.config.object("stats")
        let (images, batch) = (try statistics.int("images"), try statistics.int("batch"))
        var contextHits = [Int](repeating: 0, count: grid.count)
        var targetHits = contextHits
        var contextLengths: [Double] = []
        var targetLengths: [Double] = []
        // Four times as many as were recorded: only the noise of the record counts then.
        let batches = 4 * images / batch
        for step in 0..<batches {
            let masks = blocks(sampler, grid, step: step, pictures: batch)
            for (lists, isContext) in [(masks.contexts, true), (masks.targets, false)] {
                for row in lists.flatMap(\.rows) {
                    for patch in row {
                        if isContext { contextHits[patch] += 1 } else { targetHits[patch] += 1 }
                    }
                }
            }
            contextLengths.append(Double(try #require(masks.contexts[0].length)))
            targetLengths.append(Double(try #require(masks.targets[0].length)))
        }
        let covered = batches * batch
        for (name, hits, lists) in [
            ("ctx_coverage", contextHits, sampler.contexts),
            ("pred_coverage", targetHits, sampler.targets),
        ] {
            let shares = hits.map { Float($0) / Float(covered * lists) }
            item.compare(
                "out/\(name)", Tensor(shares, shape: [grid.rows, grid.columns]),
                tolerance: .absolute(0.02))
        }
        for (key, lengths) in [("ctx_len", contextLengths), ("pred_len", targetLengths)] {
            try expectMean(of: lengths, statistics.object(key), count: images / batch, key)
        }

        let key = "ctx_len_single_image_untruncated"
        let single = try statistics.object(key)
        let count = try single.int("n")
        let lengths = (0..<count).map { picture in
            let masks = blocks(sampler, grid, step: 1_000_000 + picture, pictures: 1)
            return Double(masks.contexts[0].rows[0].count)
        }
        item.compareSample("out/ctx_len_untruncated", lengths)
        try expectMean(of: lengths, single, count: count, key)
        item.finish()
    }

    /// Expects our mean to be within 2 % of the recorded one of `count` values, or within chance.
    private func expectMean(
        of lengths: [Double], _ facts: ParityConfig, count: Int, _ name: String
    ) throws {
        let mean = try facts.double("mean")
        let problem = SampleComparison.mean(
            lengths, near: mean, recordedCount: count,
            recordedDeviation: try facts.contains("std") ? facts.double("std") : nil,
            limit: 0.02 * mean)
        #expect(problem == nil, "\(name)")
    }

    /// The blocks of a batch, by streams of the batch and of each picture.
    private func blocks(_ sampler: MultiBlockMask, _ grid: MaskGrid, step: Int, pictures: Int)
        -> MultiBlockBatch
    {
        var shared = CounterRandom(seed: 5, purpose: .maskSize, sample: step)
        let sizes = sampler.sizes(on: grid, random: &shared)
        let blocks = (0..<pictures).map { row in
            var random = CounterRandom(seed: 5, purpose: .mask, sample: step * pictures + row)
            return sampler.blocks(on: grid, sizes, random: &random)
        }
        return MultiBlockBatch(blocks, truncation: sampler.truncation)
    }

    @Test("random split", arguments: ParityTable.cases("stop", "ijepa_mask_random"))
    func randomSplit(item: ParityCase) throws {
        let config = try item.config
        var sampler = RandomSplitMask()
        sampler.ratio = try config.array("ratio").map { try $0.double }
        let grid = try grid(config)
        try sampler.validate(on: grid)
        for name in try item.names("in/").filter({ $0.hasSuffix("_perms") }) {
            let run = name.dropFirst(3).dropLast("_perms".count)
            let uniforms = try item.tensor("in/\(run)_uniform").values(as: Double.self)
            let values = try item.tensor(name).values(as: Int.self)
            let pictures = try config.int("B")
            var replay = Replay(
                uniforms.map { .uniform($0, within: (0, 1)) }
                    + (0..<pictures).map { row in
                        .order(Array(values[row * grid.count..<(row + 1) * grid.count]))
                    }, "\(item.name) \(run)")
            let count = sampler.contextCount(on: grid, random: &replay)
            let blocks = (0..<pictures).map { _ in
                sampler.blocks(on: grid, contextCount: count, random: &replay)
            }
            replay.finish()
            let batch = MultiBlockBatch(blocks, truncation: .none)
            item.compare("out/\(run)_mask_enc", batch.contexts[0].tensor)
            item.compare("out/\(run)_mask_pred", batch.targets[0].tensor)
        }
        item.finish()
    }
}
