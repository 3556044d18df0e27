/// One step from a stored picture to what the model sees.
///
/// In recipes a step is a mapping with one key:
/// ```yaml
/// - randomResizedCrop: {size: 224, scale: [0.2, 1.0]}
/// - horizontalFlip: {}
/// ```
public enum Transform: Sendable, Equatable {
    case randomResizedCrop(RandomResizedCrop)
    case randomCrop(RandomCrop)
    case resize(Resize)
    case centerCrop(CenterCrop)
    case horizontalFlip(HorizontalFlip)

    /// The step's name in recipes.
    public var name: String {
        switch self {
        case .randomResizedCrop: "randomResizedCrop"
        case .randomCrop: "randomCrop"
        case .resize: "resize"
        case .centerCrop: "centerCrop"
        case .horizontalFlip: "horizontalFlip"
        }
    }

    private static let decoders:
        [String: @Sendable (KeyedDecodingContainer<StepKey>, StepKey) throws -> Transform] = [
            "randomResizedCrop": {
                .randomResizedCrop(try $0.decode(RandomResizedCrop.self, forKey: $1))
            },
            "randomCrop": { .randomCrop(try $0.decode(RandomCrop.self, forKey: $1)) },
            "resize": { .resize(try $0.decode(Resize.self, forKey: $1)) },
            "centerCrop": { .centerCrop(try $0.decode(CenterCrop.self, forKey: $1)) },
            "horizontalFlip": { .horizontalFlip(try $0.decode(HorizontalFlip.self, forKey: $1)) },
        ]

    private var step: any TransformStep {
        switch self {
        case .randomResizedCrop(let step): step
        case .randomCrop(let step): step
        case .resize(let step): step
        case .centerCrop(let step): step
        case .horizontalFlip(let step): step
        }
    }

    /// Throws `DataError` for arguments that make no sense.
    func check() throws { try step.check() }

    /// The side of the square that the step makes; nil where it depends on the picture.
    var side: Int? {
        switch self {
        case .randomResizedCrop(let step): step.size
        case .randomCrop(let step): step.size
        case .resize(let step): step.fit == .square ? step.size : nil
        case .centerCrop(let step): step.size
        case .horizontalFlip: nil
        }
    }
}

extension Transform: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: StepKey.self)
        guard let key = container.allKeys.first, container.allKeys.count == 1,
            let decode = Self.decoders[key.stringValue]
        else {
            let found = container.allKeys.map(\.stringValue).sorted().joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(found)' is not one transform; known: "
                        + Self.decoders.keys.sorted().joined(separator: ", ")))
        }
        self = try decode(container, key)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: StepKey.self)
        try container.encode(step, forKey: StepKey(name))
    }
}
