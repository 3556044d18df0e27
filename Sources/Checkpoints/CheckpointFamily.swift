import VisionModels

/// A family of checkpoints: how its files are recognised, what of them is the encoder, and how its
/// names and shapes become those of a model here.
///
/// One value a family, in `Families/`; `CheckpointFamily.all` is the only list.
public struct CheckpointFamily: Sendable {
    /// The name in commands and reports, such as `ibot`.
    public let name: String
    /// What the family is called in its paper, and the paper.
    public let title: String
    /// Tensors that every file of the family has at least one of; what stands before their names is the
    /// prefix of the set.
    let anchors: [String]
    /// Whether a set of tensors is one of the family's.
    let recognizes: @Sendable (Evidence) -> Bool
    /// Words in the place of a set, the preferred ones first: of two sets with the same tensors the
    /// one that is evaluated.
    let prefers: [String]
    /// The table of names.
    let names: NameMap
    /// Whether `head` under Tessera's names is a classifier; in CLIP it is a projection.
    let headIsClassifier: Bool
    /// Starts of names outside of the prefix that are the encoder's too.
    let adopts: [String]
    /// What tensors beside the encoder are, by the start of their names.
    let others: [Other]
    /// The shape of the model.
    let architecture: @Sendable (EncoderShape) throws -> EncoderArchitecture
    /// How positions are fitted to another grid.
    let positionResize: PositionResize
    /// How tables of relative position biases are fitted to another window.
    let biasResize: RelativeBiasResize
    /// The mean and deviation of the pixels in training.
    let pixels: PixelStatistics

    /// A part of a checkpoint that is no part of the encoder.
    struct Other: Sendable {
        let start: String
        let meaning: String

        init(_ start: String, _ meaning: String) {
            self.start = start
            self.meaning = meaning
        }
    }

    init(
        _ name: String, _ title: String, anchors: [String] = ["patch_embed.proj.weight"],
        prefers: [String] = CheckpointFamily.evaluated, names: [NameRule] = [],
        headIsClassifier: Bool = true, adopts: [String] = [], others: [Other] = [],
        positionResize: PositionResize = .bicubic,
        biasResize: RelativeBiasResize = .geometricSpline,
        pixels: PixelStatistics = .imageNet,
        architecture: @escaping @Sendable (EncoderShape) throws -> EncoderArchitecture = {
            .visionTransformer(try $0.visionTransformer())
        },
        recognizes: @escaping @Sendable (Evidence) -> Bool
    ) {
        self.name = name
        self.title = title
        self.anchors = anchors
        self.recognizes = recognizes
        self.prefers = prefers
        self.names = NameMap(names)
        self.headIsClassifier = headIsClassifier
        self.adopts = adopts
        self.others = others
        self.architecture = architecture
        self.positionResize = positionResize
        self.biasResize = biasResize
        self.pixels = pixels
    }

    /// Of several encoders in a file the one that the papers evaluate: the average over the steps of
    /// training where there is a teacher, the trained weights themselves otherwise.
    static let evaluated = [
        "target_encoder", "ema_encoder", "teacher", "student", "encoder", "trunk", "state_dict",
        "model", "state_dict_ema", "model_ema",
    ]
}

/// What a family sees of a set of tensors.
struct Evidence {
    let set: TensorSet
    /// The dictionaries of the file.
    let parts: [String]
    /// The entries at the top of the file.
    let topKeys: [String]
    let settings: ModelSettings?

    /// Whether the set has a tensor of this name.
    func has(_ name: String) -> Bool { set.has(name) }

    /// Whether the file has a dictionary or an entry of this name.
    func hasPart(_ name: String) -> Bool { parts.contains(name) || topKeys.contains(name) }

    /// Whether there are tensors beside the set whose names start so.
    func hasSibling(_ start: String) -> Bool { set.hasSibling(prefix: start) }
}

/// The mean and the deviation of pixels from 0 to 1, a number a channel.
public struct PixelStatistics: Sendable, Equatable {
    public let mean: [Double]
    public let std: [Double]

    /// ImageNet's, which most use.
    public static let imageNet = PixelStatistics(
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    /// Pixels from −1 to 1.
    public static let half = PixelStatistics(mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    /// Of Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*
    /// (2021).
    public static let clip = PixelStatistics(
        mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])
    /// Pixels from 0 to 1 as they are.
    public static let none = PixelStatistics(mean: [0, 0, 0], std: [1, 1, 1])
}
