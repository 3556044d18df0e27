import NN
import VisionModels

/// The classifier that stands beside an encoder in a checkpoint.
struct ClassifierShape {
    /// K, and the length of what it sees.
    private let classCount: Int
    private let length: Int
    private let hasBias: Bool
    private let hasDistillation: Bool

    /// - Throws: `CheckpointError` where there is none.
    init(_ contents: EncoderContents) throws {
        let shapes = contents.shape.shapes
        guard contents.found.family.headIsClassifier, let head = shapes["head.weight"],
            head.count == 2
        else {
            throw CheckpointError(
                .noClassifier,
                "\(contents.path) holds an encoder of the family \(contents.found.family.name) at "
                    + "\(contents.found.set.place) without a classifier: there is no head.weight "
                    + "or classifier.weight beside it; give a fine-tuned checkpoint, or evaluate "
                    + "the encoder with knn or linear")
        }
        (classCount, length) = (head[0], head[1])
        hasBias = shapes["head.bias"] != nil
        hasDistillation = shapes["head_dist.weight"] != nil
    }

    /// The encoder with such a classifier, of initial weights.
    ///
    /// - Throws: `CheckpointError` where the classifier sees something else than the encoder gives.
    func classifier(
        of encoder: any VisionEncoder, _ contents: EncoderContents
    ) throws -> any ImageClassifier {
        // Its classifiers see two things, one behind the other.
        let form = (encoder as? VisionTransformer)?.config
        let joins =
            contents.found.family.name == "hf-dinov2" && length == 2 * encoder.width
            && form?.classToken == true && form?.finalNorm == .tokens
        guard length == encoder.width || joins else {
            throw CheckpointError(
                .noClassifier,
                "\(contents.path): the classifier sees \(length) numbers, the encoder gives "
                    + "\(encoder.width): it is one of several layers or tokens, which cannot be told "
                    + "from the file; evaluate the encoder with knn or linear")
        }
        switch encoder {
        case let encoder as VisionTransformer:
            return ViTClassifier(
                encoder, classCount: classCount, bias: hasBias, distillation: hasDistillation,
                joinsMean: joins, generator: nil)
        case let encoder as SwinTransformer:
            return SwinClassifier(encoder, classCount: classCount, bias: hasBias, generator: nil)
        default:
            throw CheckpointError(
                .noClassifier,
                "\(contents.path): models of the family \(contents.found.family.name) have no "
                    + "classifier")
        }
    }
}
