/// The arguments of a transform: every one may be left out, none may be misspelled.
protocol TransformStep: Codable, Sendable, Equatable {
    init()
    static var fields: [StepField<Self>] { get }
    /// Throws for arguments that make no sense.
    func check() throws
}

/// One argument of a step: its name in recipes and the property that holds it.
struct StepField<Step>: Sendable {
    let name: String
    let decode: @Sendable (KeyedDecodingContainer<StepKey>, inout Step) throws -> Void
    let encode: @Sendable (Step, inout KeyedEncodingContainer<StepKey>) throws -> Void

    init<Value: Codable & Sendable>(
        _ name: String, _ path: any WritableKeyPath<Step, Value> & Sendable
    ) {
        self.name = name
        decode = { container, step in
            if let value = try container.decodeIfPresent(Value.self, forKey: StepKey(name)) {
                step[keyPath: path] = value
            }
        }
        encode = { step, container in
            try container.encode(step[keyPath: path], forKey: StepKey(name))
        }
    }
}

/// A key given as text.
struct StepKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

extension TransformStep {
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
        try check()
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
            .invalidPipeline, "\(Self.self).\(key)", "is \(found)", remedy: "expected \(expected)")
    }
}
