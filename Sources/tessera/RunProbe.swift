import Analysis
import Data
import Evaluation
import Foundation
import Methods
import NN
import Torch
import Training
import VisionModels

/// What the encoder is worth as it is during training, on a fixed sample of the pictures: how much of its
/// width its features use; where they have labels, k-NN accuracy, and how the prototypes of DINO and iBOT
/// agree with the classes.
///
/// Of up to 6,000 pictures, evenly spread over the source, five sixths vote and one sixth is
/// classified. Nothing is drawn at random, so the run is the same with and without it.
///
/// - Parameters:
///   - source: the pictures of the run.
///   - settings: how they become tensors.
///   - metrics: the run's `metrics.jsonl`, by which new numbers are judged; nil for methods that cannot
///     collapse.
/// - Returns: the probe.
func runProbe(
    _ source: any ImageSource, settings: DataSettings, judging metrics: URL?
) -> Probe {
    let count = min(6000, source.count)
    let sample = SubsetSource(source, numbers: (0..<count).map { $0 * source.count / count })
    let neighbors = 10
    return Probe { method in
        let encoder = method.backbone
        let device = encoder.parameters.first?.device ?? .cpu
        let batches = try EvaluationBatches(sample, data: settings, model: encoder)
        var config = FeatureExtractor.Config()
        config.tokens = encoder.grid.count <= 64 ? .patches : .mean
        let head = source.isLabelled ? PrototypeHead(of: method) : nil
        let forms = try ([config] + (head.map { [$0.features] } ?? [])).map {
            try FeatureExtractor(encoder, $0)
        }
        let extracted = FeatureForms(forms).extract(batches)
        let features = extracted[0]
        if let error = batches.error { throw error }
        let places = config.tokens == .patches ? encoder.grid.count : 1
        let spectrum = FeatureSpectrum(
            of: features.values.reshaped(features.count, places, -1).mean(1))
        var values = spectrum.named
        // Every sixth picture is classified.
        if source.isLabelled, features.count >= 6 {
            let (bank, queries) = split(features, device)
            var settings = KNearestNeighbors.Config()
            settings.neighbors = [min(neighbors, bank.count)]
            let accuracy = try KNearestNeighbors(bank, settings).evaluate(queries)[0].accuracy
            values.insert(("knn_top1", accuracy.top1), at: 0)
        }
        if let head, features.count > 0 { values += try head.agreement(extracted[1]).named }
        return Probe.Reading(
            values: values,
            warning: metrics.flatMap { warning(values, after: $0, width: spectrum.width) })
    }
}

/// What is wrong with a run by its log and the values that come next; nil where nothing is.
private func warning(
    _ values: [(name: String, value: Double)], after metrics: URL, width: Int
) -> String? {
    // Before its first line a run has no log.
    let log = (try? MetricsLog.read(metrics)) ?? []
    let verdict = CollapseVerdict(
        log + [MetricsRecord(step: 0, epoch: 0, values: values)], width: width)
    guard let verdict, verdict.state != .healthy else { return nil }
    return "\(verdict.state.rawValue): \(verdict.finding); \(verdict.advice)"
}

extension ClusterScores {
    /// By the names of the log, 0 to 1 each.
    fileprivate var named: [(name: String, value: Double)] {
        [("nmi", mutualInformation), ("ari", adjustedRand), ("fmi", fowlkesMallows)]
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
