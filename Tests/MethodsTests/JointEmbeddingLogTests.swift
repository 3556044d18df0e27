import Data
import Foundation
import NN
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// `log.csv` is what the authors' code writes, for tools that read theirs.
@Suite("The published logs of I-JEPA and StoP") struct JointEmbeddingLogTests {
    /// A path that nothing has, in a folder that is removed after `body`.
    private func withPath(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appendingPathComponent("log"))
    }

    private func text(_ columns: [PublishedColumn], _ record: MetricsRecord) throws -> String {
        var text = ""
        try withPath { url in
            _ = try PublishedLog(
                url, columns, after: [record], stepsPerEpoch: 625, batchSize: 2048)
            text = try String(contentsOf: url, encoding: .utf8)
        }
        return text
    }

    @Test("columns and formats; epochs from 1, iterations from 0, StoP's without a time")
    func lines() throws {
        // The second step of the second epoch; 1365.3 milliseconds.
        let record = MetricsRecord(
            step: 627, epoch: 1.0032,
            values: [
                ("loss", 0.123456), ("context_patches", 53.9), ("target_patches", 33.25),
                ("target_std", 0.75), ("images_per_second", 1500),
            ])
        #expect(
            try text(IJEPA.publishedColumns, record)
                == "epoch,itr,loss,mask-A,mask-B,time (ms)\n"
                + "2,1,0.12346,53.90000,33.25000,1365\n")
        #expect(
            try text(StoP.publishedColumns, record)
                == "epoch,itr,loss,mask-A,mask-B\n2,1,0.12346,53.90000,33.25000\n")
    }

    /// The line of a step as the loop logs it, column by column.
    private func line<Method: PretrainingMethod>(
        of _: Method.Type, _ losses: Losses
    ) throws -> [String] {
        var lines: [Substring] = []
        try withPath { url in
            let folder = try RunFolder.create(url.path)
            let log = try StepLog(
                folder, from: 0, stepsPerEpoch: 4, totalSteps: 4, every: 1,
                columns: Method.publishedColumns, batchSize: 3,
                progress: ProgressLine(silent: true), echo: { _ in })
            try log.add(
                StepLog.Entry(
                    step: 1, loss: losses.total.item,
                    parts: losses.parts.map { ($0.name, $0.value.item) }, gradientNorm: 1,
                    learningRate: 1, weightDecay: 0, wasSkipped: false, skippedCount: 0,
                    imageCount: 3, waited: 0))
            lines = try String(contentsOf: folder.publishedLog, encoding: .utf8)
                .split(separator: "\n")
        }
        try #require(lines.count == 2)
        return lines[1].split(separator: ",").map(String.init)
    }

    /// The same from the blocks themselves, without the time.
    private func expected(
        _ losses: Losses, _ masks: MultiBlockMask, on encoder: VisionTransformer
    ) throws -> [String] {
        let batch = TinyJointEmbedding.batch
        let blocks = batch.multiBlock(masks, on: encoder.maskGrid(of: batch.images))
        let context = try #require(blocks.contexts[0].length)
        let target = try #require(blocks.targets[0].length)
        #expect(context > target)
        return ["1", "0"]
            + [losses.total.item, Double(context), Double(target)]
            .map { String(format: "%.5f", $0) }
    }

    @Test("the losses' parts fill the columns: mask-A is the context's length, mask-B a target's")
    func names() throws {
        var masks = TinyJointEmbedding.masks()
        // Then a context is its whole block, which is larger than a target's.
        masks.allowOverlap = true
        let start = Step(index: 0, epoch: 0, total: 10)
        let ijepa = try TinyJointEmbedding.ijepa(masks)
        var losses = ijepa.loss(TinyJointEmbedding.batch, at: start)
        var line = try line(of: IJEPA.self, losses)
        let time = line.removeLast()
        #expect(try line == expected(losses, masks, on: ijepa.encoder))
        #expect((Int(time) ?? -1) >= 0, "\(time)")

        let stop = try TinyJointEmbedding.stop(masks)
        losses = stop.loss(TinyJointEmbedding.batch, at: start)
        line = try self.line(of: StoP.self, losses)
        #expect(try line == expected(losses, masks, on: stop.encoder))
    }

    @Test("the norms of gradients that are logged are those of the encoder that learns")
    func gradients() throws {
        let masks = TinyJointEmbedding.masks()
        try checkGradients(of: try TinyJointEmbedding.ijepa(masks))
        try checkGradients(of: try TinyJointEmbedding.stop(masks))
    }

    private func checkGradients<Method: PretrainingMethod>(of method: Method) throws {
        method.loss(TinyJointEmbedding.batch, at: Step(index: 0, epoch: 0, total: 10))
            .total.backward()
        let parameters = method.namedParameters.filter { $0.tensor.gradient != nil }
        let norms = parameters.compactMap { $0.tensor.gradient?.norm() }
        let found = GradientStatistics(parameters, norms, encoder: Method.trainedEncoder).values
        let matrices = zip(parameters, norms).filter {
            $0.0.name.hasPrefix("encoder.") && $0.0.tensor.rank > 1
        }
        // The patch embedding, and four matrices in each of two blocks.
        #expect(matrices.count == 9)
        let lengths = matrices.map { $0.1.item }
        for (block, norm) in [(0, found?.first), (1, found?.last)] {
            let name = "encoder.blocks.\(block).attn.qkv.weight"
            #expect(norm?.item == matrices.first { $0.0.name == name }?.1.item)
        }
        #expect(found?.least.item == lengths.min() && found?.greatest.item == lengths.max())
    }
}
