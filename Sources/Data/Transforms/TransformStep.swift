import Configuration
public import Imaging

/// One step from a stored picture to what the model sees; a new one is a file and a line in
/// `Transform.known`.
///
/// Every argument may be left out in a recipe, none may be misspelled. All that a step draws comes
/// from the stream it is given, so the same stream makes the same picture.
public protocol TransformStep: Codable, Sendable, Equatable {
    /// The step's name in recipes.
    static var name: String { get }
    static var fields: [StepField<Self>] { get }
    /// Whether the step changes colours, which only grey and RGB pictures have.
    var changesColor: Bool { get }
    init()

    /// Throws `DataError` for arguments that make no sense.
    func check() throws

    /// The size of a picture after the step, if it had `size` before; nil where that depends on the
    /// stored picture or on draws.
    func size(after size: PixelSize?) -> PixelSize?

    /// The part that the step reads of a stored picture of the given size, if it is the first one, and
    /// the size that it resizes the part to.
    ///
    /// It draws what `apply` will draw, from an equal stream: a loader asks before it decodes, and
    /// decodes no more than that. Nil for the whole picture. A step that says a size reads the
    /// picture by `Canvas.resample` only.
    func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion?

    /// Makes the step on the picture in `canvas`.
    func apply(to canvas: inout Canvas, random: inout CounterRandom) throws
}

extension TransformStep {
    public var changesColor: Bool { false }

    public func check() throws {}

    public func size(after size: PixelSize?) -> PixelSize? { size }

    public func region(of size: PixelSize, random: inout CounterRandom) -> PictureRegion? {
        nil
    }

    public init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: StepKey.self)
        for key in container.allKeys
        where !Self.fields.contains(where: { $0.name == key.stringValue }) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container,
                debugDescription: "unknown key '\(key.stringValue)'; known here: "
                    + Self.fields.map(\.name).sorted().joined(separator: ", "))
        }
        for field in Self.fields { try field.decode(container, &self) }
        do {
            try check()
        } catch let error as DataError {
            throw Self.refusal(error, at: settingPath(decoder.codingPath))
        }
    }

    /// An argument that `check` refuses, as the place in a recipe that it was given at.
    private static func refusal(_ error: DataError, at path: String) -> ConfigurationError {
        let own = "\(name)."
        guard error.place.hasPrefix(own) else { return .refused(path, "\(error)") }
        let key = error.place.dropFirst(own.count)
        return .refused(
            path.isEmpty ? String(key) : "\(path).\(key)", "\(error.problem), \(error.remedy)")
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: StepKey.self)
        for field in Self.fields { try field.encode(self, &container) }
    }

    /// Throws unless the condition holds.
    func expect(
        _ condition: Bool, _ key: String, _ found: String, _ expected: String
    ) throws {
        guard !condition else { return }
        throw DataError(
            .invalidPipeline, "\(Self.name).\(key)", "is \(found)", remedy: "expected \(expected)")
    }

    /// Throws unless both sides are above 0.
    func expect(_ size: PixelSize, _ key: String) throws {
        try expect(
            size.height > 0 && size.width > 0, key, "\(size)",
            "a number above 0, or two: [height, width]")
    }

    /// Throws unless the number is a probability.
    func expectProbability(_ value: Double) throws {
        try expect((0...1).contains(value), "probability", "\(value)", "a number from 0 to 1")
    }

    func isEqual(_ other: any TransformStep) -> Bool { (other as? Self) == self }

    func encode(
        into container: inout KeyedEncodingContainer<StepKey>
    ) throws {
        try container.encode(self, forKey: StepKey(Self.name))
    }
}
