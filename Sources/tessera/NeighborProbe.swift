import Data
import Evaluation
import NN
import Torch
import Training
import VisionModels

/// k-NN accuracy of the encoder as it is during training, on a fixed sample of labelled pictures.
///
/// Of up to 6,000 pictures, evenly spread over the source, five sixths vote and one sixth is
/// classified. Nothing is drawn at random, so the run is the same with and without it.
func neighborProbe(
    _ source: any ImageSource, settings: DataSettings
) throws -> Probe {
    let sample = SpreadSample(source, count: min(6000, source.count))
    let neighbors = 10
    return Probe { encoder in
        let device = encoder.parameters.first?.device ?? .cpu
        let batches = try EvaluationBatches(sample, data: settings, model: encoder)
        var config = FeatureExtractor.Config()
        config.tokens = encoder.grid.count <= 64 ? .patches : .mean
        let features = try FeatureExtractor(encoder, config).extract(batches)
        if let error = batches.error { throw error }
        let (bank, queries) = split(features, device)
        var settings = KNearestNeighbors.Config()
        settings.neighbors = [min(neighbors, bank.count)]
        let accuracy = try KNearestNeighbors(bank, settings).evaluate(queries)[0].accuracy
        return [("knn_top1", accuracy.top1)]
    }
}

/// Every sixth feature apart from the others.
private func split(_ features: Features, _ device: Device) -> (bank: Features, queries: Features) {
    func part(_ isIncluded: (Int) -> Bool) -> Features {
        let rows = (0..<features.count).filter(isIncluded)
        return Features(
            values: features.values.selecting(Tensor(rows).to(device), 0),
            labels: rows.map { features.labels[$0] })
    }
    return (part { $0 % 6 != 5 }, part { $0 % 6 == 5 })
}

/// Some pictures of a source, evenly spread over it.
private struct SpreadSample: ImageSource {
    private let source: any ImageSource
    let count: Int

    init(_ source: any ImageSource, count: Int) {
        self.source = source
        self.count = count
    }

    var classNames: [String] { source.classNames }
    private func original(_ index: Int) -> Int { index * source.count / count }
    func label(at index: Int) -> Int? { source.label(at: original(index)) }
    func name(at index: Int) -> String { source.name(at: original(index)) }
    func load(_ index: Int, into picture: inout StoredPicture) throws {
        try source.load(original(index), into: &picture)
    }
}
