import Data
import Evaluation
import Imaging
import NN
import TensorFiles
import Torch
import Training
import VisionModels

/// Everything that decides what the features of a source hold, by which stored ones are recognised.
struct FeatureIdentity: Codable, Equatable {
    /// Checksum of the encoder's tensors.
    var weights: String
    /// The model, with what its tensors do not tell.
    var model: String
    /// Of the names and classes of the pictures.
    var source: String
    /// Of what some of them hold.
    var contents: String
    var rowCount: Int
    var width: Int
    var tokens: String
    var attention: String?
    var blocks: Int
    var stride: Int
    var leftOut: Int
    var finalNorm: Bool
    /// nil for pictures at their own size alone.
    var scales: [Double]?
    var precision: String?
    var batchSize: Int
    var imageSize: Int
    /// How pictures become tensors.
    var preparation: String
    var device: String

    /// Of features that `extractor` makes with an encoder on its device.
    init(
        _ encoder: PretrainedEncoder, _ config: FeatureExtractor.Config, width: Int,
        of source: any ImageSource, imageSize: Int, resize: Int? = nil,
        interpolation: Interpolation = .bicubic, batchSize: Int, device: Device
    ) {
        weights = Self.checksum(of: encoder.model)
        model = Self.form(of: encoder.model)
        self.source = source.fingerprint
        contents = Self.contents(of: source)
        rowCount = source.count
        self.width = width
        tokens = config.tokens.rawValue
        attention = config.attention?.rawValue
        blocks = config.blocks
        stride = config.stride
        leftOut = config.leftOut
        finalNorm = config.finalNorm
        scales = config.scales == [1] ? nil : config.scales
        precision = config.precision?.rawValue
        self.batchSize = batchSize
        self.imageSize = imageSize
        preparation = Self.preparation(
            encoder.data, resize: resize, interpolation: interpolation)
        self.device = "\(device)"
    }

    /// What of the run's settings decides how a picture becomes a tensor.
    ///
    /// What is usual is not named, so that what was kept before is still found.
    private static func preparation(
        _ data: DataSettings, resize: Int?, interpolation: Interpolation
    ) -> String {
        var text =
            "mean \(data.mean), std \(data.std), \(data.orientation), \(data.decoding), "
            + "range \(data.range.map { "\($0)" } ?? "none"), truncated \(data.truncated)"
        if let resize { text += ", resized to \(resize)" }
        if interpolation != .bicubic { text += ", resized by \(interpolation.rawValue)" }
        return text
    }

    /// Heads, ε, the way to resize positions and so on.
    private static func form(of model: any VisionEncoder) -> String {
        switch model {
        case let model as VisionTransformer: "\(model.config)"
        case let model as SwinTransformer: "\(model.config)"
        case let model as ModifiedResNet: "\(model.config)"
        case let model as FeatureNormEncoder: "\(model.config)"
        default: "\(type(of: model))"
        }
    }

    /// Checksum of pictures spread over a source, as they are stored: a copy of the set that was blurred,
    /// resized or encoded anew has the same names.
    private static func contents(of source: any ImageSource, count: Int = 256) -> String {
        var sum = Checksum()
        var picture = StoredPicture()
        let count = min(count, source.count)
        for number in 0..<count {
            do {
                try source.load(number * source.count / count, into: &picture)
            } catch {
                Array("unreadable".utf8).withUnsafeBytes { sum.update($0) }
                continue
            }
            switch picture.form {
            case .encoded:
                picture.bytes.withUnsafeBytes {
                    sum.update(UnsafeRawBufferPointer(rebasing: $0[..<picture.byteCount]))
                }
            case .decoded: picture.pixels.withUnsafeBytes { sum.update(UnsafeRawBufferPointer($0)) }
            }
        }
        return sum.hexadecimal
    }

    static func checksum(of model: any VisionEncoder) -> String {
        var sum = Checksum()
        for (name, tensor) in model.stateDict {
            Array(name.utf8).withUnsafeBytes { sum.update($0) }
            tensor.detached().to(.cpu).contiguous().withUnsafeBytes { sum.update($0) }
        }
        return sum.hexadecimal
    }

    /// What differs from another identity, in the words of the command line.
    func difference(from old: Self) -> String {
        var parts: [String] = []
        func compare(_ name: String, _ a: some Equatable, _ b: some Equatable) {
            if "\(a)" != "\(b)" { parts.append("\(name) (\(a), now \(b))") }
        }
        compare("weights", old.weights, weights)
        compare("model", old.model, model)
        compare("pictures", old.source, source)
        compare("what the pictures hold", old.contents, contents)
        compare("features.tokens", old.tokens, tokens)
        compare("features.blocks", old.blocks, blocks)
        compare("features.stride", old.stride, stride)
        compare("features.leftOut", old.leftOut, leftOut)
        compare("features.finalNorm", old.finalNorm, finalNorm)
        compare("features.scales", old.scales ?? [1], scales ?? [1])
        compare("features.precision", old.precision ?? "fp32", precision ?? "fp32")
        compare("batchSize", old.batchSize, batchSize)
        compare("imageSize", old.imageSize, imageSize)
        compare("preparation of pictures", old.preparation, preparation)
        compare("device", old.device, device)
        return parts.isEmpty ? "its size" : parts.joined(separator: ", ")
    }
}
