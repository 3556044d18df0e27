import NN
public import Torch
import VisionModels

/// Several kinds of features of one encoder, made of one pass over the pictures.
///
/// Each is the same as its own extractor makes.
public struct FeatureForms {
    private let extractors: [FeatureExtractor]

    /// - Parameter extractors: at least one; of the same encoder, with the same precision and scales.
    public init(_ extractors: [FeatureExtractor]) {
        require(!extractors.isEmpty, "no kinds of features")
        let first = extractors[0]
        require(
            extractors.allSatisfy {
                $0.encoder === first.encoder && $0.config.precision == first.config.precision
                    && $0.config.scales == first.config.scales
            }, "kinds of features that do not come of one pass")
        self.extractors = extractors
    }

    private var encoder: any VisionEncoder { extractors[0].encoder }
    private var common: FeatureExtractor.Config { extractors[0].config }

    /// The features `[B, D′]` of each kind, of images `[B, C, H, W]` that are on the encoder's device.
    ///
    /// Nothing is recorded for differentiation; the encoder is used as it is, in training or
    /// evaluation mode.
    public func callAsFunction(_ images: Tensor) -> [Tensor] {
        noGrad {
            autocast(to: common.precision?.dtype, on: images.device) {
                guard common.rescales else { return features(images) }
                let scaled = common.scales.map { features(images, at: $0) }
                return extractors.indices.map { form in
                    let sum = scaled.dropFirst().reduce(scaled[0][form]) { $0 + $1[form] }
                    return (sum / Double(scaled.count)).normalized()
                }
            }
        }
    }

    /// The features of a sequence of batches, the encoder in evaluation mode meanwhile.
    ///
    /// - Parameters:
    ///   - batches: on any device.
    ///   - classNames: by class number.
    ///   - progress: is told the number of pictures done after each batch.
    /// - Returns: those of each kind in the order of the pictures, on the encoder's device.
    public func extract(
        _ batches: some Sequence<LabelledBatch>, classNames: [String] = [],
        progress: (Int) -> Void = { _ in }
    ) -> [Features] {
        let wasTraining = encoder.isTraining
        encoder.evaluate()
        defer { encoder.train(wasTraining) }
        let device = extractors[0].device
        var values: [[Tensor]] = extractors.map { _ in [] }
        var labels: [Int] = []
        for batch in batches {
            for (form, value) in self(batch.images.sent(to: device)).enumerated() {
                values[form].append(value)
            }
            labels += batch.labels
            progress(labels.count)
        }
        return extractors.indices.map { form in
            Features(
                values: values[form].isEmpty
                    ? Tensor.zeros([0, extractors[form].width], device: device)
                    : concatenated(values[form], 0),
                labels: labels, classNames: classNames)
        }
    }

    /// The features of pictures of another size.
    ///
    /// Coordinates go by the factor itself and not by the quotient of whole sizes, as in the published
    /// evaluations of retrieval.
    private func features(_ images: Tensor, at scale: Double) -> [Tensor] {
        guard scale != 1 else { return features(images) }
        let (_, _, height, width) = images.shape4
        return features(
            images.interpolatedBilinear(
                height: Int(Double(height) * scale), width: Int(Double(width) * scale),
                scale: (scale, scale)))
    }

    private func features(_ images: Tensor) -> [Tensor] {
        let reach = extractors.filter { $0.config.attention == nil }.map(\.config.reach).max()
        let layers = reach.map { encoder.lastBlocks(images, count: $0) } ?? []
        return extractors.map { extractor in
            extractor.config.attention.map { extractor.attentionFeature($0, of: images) }
                ?? extractor.feature(of: layers)
        }
    }
}
