/// Turns a value into a tree of settings, in the order of declaration, with the settings that are
/// nil and the types of all.
final class SettingEncoder: Encoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    /// What was encoded so far; containers that are still being filled are part of it.
    private enum Form {
        case section([(name: String, part: Part)])
        case list([Part])
        case single(Setting.Content)
    }
    private enum Part {
        case setting(Setting)
        case container(SettingEncoder)

        var setting: Setting {
            switch self {
            case .setting(let setting): setting
            case .container(let encoder): Setting(encoder.content, of: SettingEncoder.self)
            }
        }
    }
    private var form = Form.section([])

    var content: Setting.Content {
        switch form {
        case .section(let parts):
            .section(parts.map { Setting.Field(name: $0.name, setting: $0.part.setting) })
        case .list(let parts): .list(parts.map(\.setting))
        case .single(let content): content
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(Keyed<Key>(encoder: self))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        form = .list([])
        return Unkeyed(encoder: self)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer { Single(encoder: self) }

    private func append(_ name: String, _ part: Part) {
        guard case .section(let parts) = form else {
            fatalError("a configuration encodes keys beside a plain value")
        }
        form = .section(parts + [(name, part)])
    }

    private func append(_ part: Part) {
        guard case .list(let parts) = form else {
            fatalError("a configuration encodes a list beside a plain value")
        }
        form = .list(parts + [part])
    }

    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: SettingEncoder
        let codingPath: [any CodingKey] = []

        func encodeNil(forKey key: Key) {
            encoder.append(key.stringValue, .setting(Setting(off: String.self)))
        }
        func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
            encoder.append(key.stringValue, .setting(try Setting(describing: value)))
        }
        private func optional<T: Encodable>(_ value: T?, _ key: Key) throws {
            var setting = try value.map { try Setting(describing: $0) } ?? Setting(off: T.self)
            setting.isOptional = true
            encoder.append(key.stringValue, .setting(setting))
        }
        // The library's own versions of these would drop what is nil.
        func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
            try optional(value, key)
        }
        func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: String?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try optional(value, key) }
        func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try optional(value, key) }
        /// Cases of enums put their payload into a container of its own.
        func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type, forKey key: Key)
            -> KeyedEncodingContainer<Inner>
        {
            let inner = SettingEncoder()
            encoder.append(key.stringValue, .container(inner))
            return inner.container(keyedBy: type)
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            let inner = SettingEncoder()
            encoder.append(key.stringValue, .container(inner))
            return inner.unkeyedContainer()
        }
        func superEncoder() -> any Encoder { fatalError("configurations are structs or enums") }
        func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }
    }

    private struct Unkeyed: UnkeyedEncodingContainer {
        let encoder: SettingEncoder
        let codingPath: [any CodingKey] = []
        var count: Int {
            guard case .list(let parts) = encoder.form else { return 0 }
            return parts.count
        }

        func encodeNil() { encoder.append(.setting(Setting(off: String.self))) }
        func encode<T: Encodable>(_ value: T) throws {
            encoder.append(.setting(try Setting(describing: value)))
        }
        func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type)
            -> KeyedEncodingContainer<Inner>
        {
            let inner = SettingEncoder()
            encoder.append(.container(inner))
            return inner.container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            let inner = SettingEncoder()
            encoder.append(.container(inner))
            return inner.unkeyedContainer()
        }
        func superEncoder() -> any Encoder { fatalError("configurations are structs or enums") }
    }

    private struct Single: SingleValueEncodingContainer {
        let encoder: SettingEncoder
        let codingPath: [any CodingKey] = []

        func encodeNil() { encoder.form = .single(.off) }
        func encode<T: Encodable>(_ value: T) throws {
            encoder.form = .single(try Setting(describing: value).content)
        }
    }
}
