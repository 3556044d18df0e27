public import Configuration

/// Any step, as recipes hold it: a mapping with one key.
///
/// ```yaml
/// - randomResizedCrop: {size: 224, scale: [0.2, 1.0]}
/// - horizontalFlip: {}
/// ```
public struct Transform: Sendable {
    public let step: any TransformStep

    /// The steps that recipes may name.
    static let known: [any TransformStep.Type] = [
        RandomResizedCrop.self, RandomCrop.self, RandomResize.self, Resize.self, CenterCrop.self,
        CenteredResize.self, HorizontalFlip.self, VerticalFlip.self, ColorJitter.self,
        Grayscale.self, GaussianBlur.self, Solarize.self, ThreeAugment.self, RandAugment.self,
        PatchShuffle.self, HideAndSeek.self, RandomErasing.self, RandomApply.self,
        RandomChoice.self,
    ]

    public init(_ step: any TransformStep) { self.step = step }

    /// The step's name in recipes.
    public var name: String { type(of: step).name }
}

extension Transform: Equatable {
    public static func == (a: Transform, b: Transform) -> Bool { a.step.isEqual(b.step) }
}

extension Transform: SettingChoice {
    public static var kinds: [String] { known.map { $0.name } }

    public static func defaults(of kind: String) -> (any Encodable & Sendable)? {
        known.first { $0.name == kind }?.init()
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: StepKey.self)
        guard let key = container.allKeys.first, container.allKeys.count == 1,
            let type = Self.known.first(where: { $0.name == key.stringValue })
        else {
            let found = container.allKeys.map(\.stringValue).sorted().joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(found)' is not one transform; known: "
                        + Self.known.map { $0.name }.sorted().joined(separator: ", ")))
        }
        step = try container.decode(type, forKey: key)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: StepKey.self)
        try step.encode(into: &container)
    }
}
