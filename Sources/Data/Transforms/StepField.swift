/// One argument of a step: its name in recipes and the property that holds it.
public struct StepField<Step>: Sendable {
    let name: String
    let decode: @Sendable (KeyedDecodingContainer<StepKey>, inout Step) throws -> Void
    let encode: @Sendable (Step, inout KeyedEncodingContainer<StepKey>) throws -> Void

    public init<Value: Codable & Sendable>(
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
