import Configuration
import Data
import Evaluation
import Foundation
import NN
import TensorFiles
import Torch
import Training
import VisionModels

/// The features of a source by an encoder, from batches to a file.
///
/// Memory holds a few batches, however many pictures there are. Rows are functions of weights, pictures
/// and settings, and batches begin at the same pictures after a kill: so the file is the same to the
/// bit, on the same machine.
struct Embedding {
    private let encoder: PretrainedEncoder
    private let extractor: FeatureExtractor
    private let source: any ImageSource
    private let settings: EmbeddingSettings
    private let place: EmbeddingPlace
    private let device: Device
    private let rows: EmbeddingRows
    private let imageSize: Int
    private let width: Int
    private let startCount: Int

    init(
        _ encoder: PretrainedEncoder, of source: any ImageSource, _ settings: EmbeddingSettings,
        _ place: EmbeddingPlace, device: Device, force: Bool
    ) throws {
        guard source.count > 0 else { throw UsageError("there are no pictures") }
        self.encoder = encoder
        self.source = source
        self.settings = settings
        self.place = place
        self.device = device
        let config = encoder.model
        imageSize = settings.imageSize ?? config.imageSize
        let patchSize = config.imageSize / max(config.grid.rows, 1)
        guard imageSize % patchSize == 0 else {
            throw ConfigurationError.invalid(
                "imageSize", found: imageSize,
                expected: "a multiple of the patch size, \(patchSize)")
        }
        try config.requireSize(height: imageSize, width: imageSize)
        encoder.model.move(to: device)
        encoder.model.evaluate()
        extractor = try settings.features.extractor(of: encoder.model)
        let probe = extractor(
            .zeros([1, config.channels, imageSize, imageSize], device: device))
        width = probe.shape[1]
        rows = try EmbeddingRows(
            place,
            FeatureIdentity(
                encoder, settings.features, width: width, of: source, imageSize: imageSize,
                batchSize: settings.batchSize, device: device), force: force)
        startCount = rows.doneCount
    }

    /// Computes what is missing, then writes the output.
    func run(_ progress: SourceProgress) throws -> EmbeddingResult {
        if startCount > 0 { progress.note("going on after \(startCount) of \(source.count) rows") }
        let begin = ContinuousClock.now
        try computeRows(progress, since: begin)
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let bad = try rows.badRows()
        guard bad.count < source.count else {
            try rows.remove()
            throw DataError(
                .tooManyBadFiles, "the pictures",
                "none of \(source.count) can be read; the first: \(bad[0] ?? "")",
                remedy: "run `tessera data check`")
        }
        let output = EmbeddingOutput(
            place: place, source: source, rows: rows, shape: [source.count] + rowShape, bad: bad)
        try output.write(metadata())
        try rows.remove()
        return EmbeddingResult(
            features: place.output, list: place.list, rows: source.count, shape: rowShape,
            tokens: tokens, bad: bad.count, resumedAt: startCount, seconds: seconds)
    }

    private func computeRows(_ progress: SourceProgress, since begin: ContinuousClock.Instant)
        throws
    {
        var plan = try encoder.data.evaluationPlan(
            for: source, imageSize: imageSize, channels: encoder.model.channels,
            batchSize: settings.batchSize)
        plan.onBadFile = .skip
        plan.mostBad = 1
        let options = LoaderOptions(threads: settings.workers, toGPU: device != .cpu)
        let batchSize = plan.sampler.batchSize
        guard startCount < source.count else { return }
        var reasons: [Int: String] = [:]
        let loader = try Loader(
            plan, options: options, start: LoaderPosition(step: startCount / batchSize), epochs: 1
        ) { reasons[$0.index] = $0.reason }
        while let batch = try loader.next() {
            let first = rows.doneCount
            let count = min(batchSize, source.count - first)
            var bad: [EmbeddingRows.BadRow] = []
            let present = Set(batch.indices)
            for row in first..<first + count where !present.contains(row) {
                bad.append(.init(row: row, reason: reasons[row] ?? "could not be read"))
            }
            reasons.removeAll(keepingCapacity: true)
            try append(batch, first: first, count: count, bad: bad)
            try rows.save(every: settings.saveEvery)
            let done = rows.doneCount
            progress.update(
                Self.progressText(done, source.count, startCount, begin),
                isLast: done == source.count)
            if Interruption.isRequested, done < source.count {
                try rows.save()
                throw InterruptedEmbedding(
                    description: "stopped after \(done) of \(source.count) rows; the same command "
                        + "goes on")
            }
        }
        try rows.save()
    }

    /// The features of a batch at the places of its pictures, NaN at the others.
    private func append(
        _ batch: HostBatch, first: Int, count: Int, bad: [EmbeddingRows.BadRow]
    ) throws {
        if bad.isEmpty {
            let features = try features(of: batch, rows: first..<first + count)
            return try features.withUnsafeBytes { try rows.append($0, count: count, bad: []) }
        }
        var floats = [Float](repeating: .nan, count: count * width)
        if batch.count > 0 {
            let features = try features(of: batch, rows: first..<first + count)
            features.withUnsafeBytes { bytes in
                let values = bytes.bindMemory(to: Float.self)
                for (place, index) in batch.indices.enumerated() {
                    let start = (index - first) * width
                    for column in 0..<width {
                        floats[start + column] = values[place * width + column]
                    }
                }
            }
        }
        try floats.withUnsafeBytes { try rows.append($0, count: count, bad: bad) }
    }

    /// The features of the readable pictures of some rows, on the CPU.
    ///
    /// - Throws: `EvaluationError` where they are not finite, as rows of NaN are those of pictures that
    ///   cannot be read; the rows before are kept.
    private func features(of batch: HostBatch, rows range: Range<Int>) throws -> Tensor {
        let features = extractor(batch.tensor().sent(to: device))
        do {
            try EvaluationError.requireFinite(
                features, "the features of rows \(range.lowerBound) to \(range.upperBound - 1)")
        } catch {
            if range.lowerBound == 0 { try rows.remove() } else { try rows.save() }
            throw error
        }
        return features.to(.cpu).contiguous()
    }

    private static func progressText(
        _ done: Int, _ count: Int, _ start: Int, _ begin: ContinuousClock.Instant
    ) -> String {
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let rate = Double(done - start) / max(seconds, 1e-3)
        let left = Double(count - done) / max(rate, 1e-3)
        return "\(done)/\(count) pictures, \(Int(rate))/s, \(Int(left.rounded(.up))) s left"
    }

    /// What of the tokens a feature is.
    private var tokens: String {
        settings.features.attention?.rawValue ?? settings.features.tokens.rawValue
    }

    /// Of one row: patches keep their blocks and places.
    private var rowShape: [Int] {
        guard settings.features.tokens == .patches else { return [width] }
        let blocks = settings.features.blocks
        let channels = encoder.model.width
        // Blocks of different stages have grids of their own.
        guard extractor.blockWidths.allSatisfy({ $0 == channels }) else { return [width] }
        let places = [width / (blocks * channels), channels]
        return blocks == 1 ? places : [blocks] + places
    }

    private func metadata() -> [String: String] {
        let features = settings.features
        return [
            "tessera.weights": encoder.origin, "tessera.pictures": source.fingerprint,
            "tessera.tokens": tokens, "tessera.blocks": "\(features.blocks)",
            "tessera.stride": "\(features.stride)", "tessera.leftOut": "\(features.leftOut)",
            "tessera.scales": features.scales.map { "\($0)" }.joined(separator: " "),
            "tessera.finalNorm": "\(features.finalNorm)",
            "tessera.precision": features.precision?.rawValue ?? "fp32",
            "tessera.imageSize": "\(imageSize)",
        ]
    }
}

/// The user has asked to stop; what is done is safe.
struct InterruptedEmbedding: Error, CustomStringConvertible {
    let description: String
}

/// What `tessera embed` says in the end.
struct EmbeddingResult: Encodable {
    let features: String
    let list: String
    let rows: Int
    /// Of one row.
    let shape: [Int]
    let tokens: String
    let bad: Int
    let resumedAt: Int
    let seconds: Double

    var text: String {
        let sizes = ([rows] + shape).map(String.init).joined(separator: " × ")
        var text = "\(features): \(sizes) float32, \(tokens)"
        if seconds > 0 { text += ", \(Int(Double(rows - resumedAt) / seconds)) pictures/s" }
        if bad > 0 {
            text += "\n\(bad) pictures could not be read: their rows are NaN, \(list) says why"
        }
        return text
    }
}
