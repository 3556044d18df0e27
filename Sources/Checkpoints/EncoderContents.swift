import VisionModels

/// What of a checkpoint makes a model: the encoder that is chosen, under Tessera's names.
struct EncoderContents {
    let path: String
    let found: FoundEncoder
    let mapped: [MappedTensor]
    let shape: EncoderShape
    private let imageSize: Int?

    init(_ path: String, _ options: CheckpointLoader.Options) throws {
        self.path = path
        let source = try CheckpointSource(path: path)
        found = try FoundEncoder.choose(
            options.part, prefersAverage: options.prefersAverage, in: source)
        try found.set.requireHonestClaims(in: path)
        mapped = found.family.names.apply(found.set.tensors)
        shape = EncoderShape(
            // Some write the registers of a model that has none as an empty tensor.
            shapes: Dictionary(
                mapped.filter { !$0.shape.contains(0) }.map { ($0.name, $0.shape) }
            ) { first, _ in first },
            settings: source.settings, folder: source.folder, heads: options.heads,
            positionResize: found.family.positionResize, biasResize: found.family.biasResize)
        imageSize = options.imageSize
    }

    /// The encoder, with initial weights.
    func encoder() throws -> (EncoderArchitecture, any VisionEncoder) {
        var architecture = try found.family.architecture(shape)
        if let imageSize { architecture = architecture.resized(to: imageSize) }
        return (architecture, try architecture.make())
    }

    /// How pixels were normalised in training: as the settings beside the file say, else as the family
    /// does it.
    var pixels: PixelStatistics { shape.settings?.pixels ?? found.family.pixels }
}
