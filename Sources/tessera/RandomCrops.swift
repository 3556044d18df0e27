import Data
import Evaluation
import Imaging
import NN
import Torch
import Training
import VisionModels

/// The features of random crops, extracted anew in every epoch: how MAE's, iBOT's and VISSL's probes are
/// trained.
///
/// A picture becomes a crop of 8 to 100 % of it, and is flipped or not.
struct RandomCrops: ProbeFeatures {
    private let source: any ImageSource
    private let encoder: PretrainedEncoder
    private let extractor: FeatureExtractor
    private let crop: RandomResizedCrop
    private let dropsPaths: Bool
    private let progress: SourceProgress
    let classCount: Int

    init(
        of source: any ImageSource, for encoder: PretrainedEncoder, _ extractor: FeatureExtractor,
        interpolation: Interpolation, form: RandomResizedCrop.Form, dropPath: Double,
        _ progress: SourceProgress
    ) throws {
        crop = RandomResizedCrop(
            size: PixelSize(encoder.model.imageSize), scale: [0.08, 1],
            interpolation: interpolation, form: form)
        dropsPaths = dropPath > 0
        if dropsPaths, let model = encoder.model as? VisionTransformer {
            let rates = DropPath.rates(depth: model.blocks.count, last: dropPath)
            for (block, rate) in zip(model.blocks, rates) { block.dropPath.rate = rate }
        }
        self.source = source
        self.encoder = encoder
        self.extractor = extractor
        self.progress = progress
        classCount = max(
            (0..<source.count).reduce(0) { max($0, (source.label(at: $1) ?? -1) + 1) },
            source.classNames.count)
    }

    var count: Int { source.count }
    var width: Int { extractor.width }
    var device: Device { extractor.device }

    func validate() throws {
        guard count > 0 else { throw EvaluationError("there are no training pictures") }
    }

    func batches(epoch: Int, of batch: Int, seed: UInt64) throws -> () throws -> LinearProbe.Batch?
    {
        var data = encoder.data
        data.augment = ImagePipeline([crop, HorizontalFlip()]).steps
        data.views = []
        // Pictures of a large step would not fit: they go through the encoder in parts.
        data.batchSize = min(batch, EvaluationBatches.defaultSize)
        var plan = try data.plan(
            for: source, imageSize: encoder.model.imageSize, channels: encoder.model.channels,
            seed: seed)
        plan.sampler = try Sampler(
            count: count, globalBatchSize: data.batchSize, seed: seed, dropsLast: false)
        let unread = UnreadPictures()
        let loader = try Loader(
            plan, start: LoaderPosition(epoch: epoch), epochs: epoch + 1, report: unread.add)
        encoder.model.train(dropsPaths)
        var random = CounterRandom(seed: seed, purpose: .dropPath, epoch: epoch)
        let draws = Generator(seed: random.next())
        var waiting = PendingRows()
        var done = 0
        var given = 0
        return {
            while waiting.count < batch {
                guard let part = try loader.next() else {
                    guard given > 0 else {
                        throw EvaluationError(
                            "only \(done) of \(count) training pictures can be read, too few for "
                                + "a batch of \(batch): lower protocol.batch")
                    }
                    if epoch == 0, let note = unread.note(of: count, "train") {
                        progress.note(note)
                    }
                    return nil
                }
                let features = Generator.$scoped.withValue(draws) {
                    extractor(part.tensor().sent(to: device))
                }
                waiting.append(features, Tensor(part.labels).to(device))
                done += part.count
                progress.update(
                    "epoch \(epoch + 1): \(done)/\(count) crops", isLast: done == count)
            }
            given += 1
            return waiting.take(batch)
        }
    }
}

/// Features and labels that wait until there are enough for a step.
private struct PendingRows {
    private var parts: [LinearProbe.Batch] = []
    private(set) var count = 0

    mutating func append(_ features: Tensor, _ labels: Tensor) {
        parts.append((features, labels))
        count += labels.count
    }

    /// The first rows, which are no longer kept.
    mutating func take(_ rows: Int) -> LinearProbe.Batch {
        let features = concatenated(parts.map(\.features), 0)
        let labels = concatenated(parts.map(\.labels), 0)
        parts = rows < count ? [(features[rows...], labels[rows...])] : []
        count -= rows
        return (features[..<rows], labels[..<rows])
    }
}
