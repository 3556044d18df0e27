import Foundation

/// The recorded settings of a case: JSON with typed access, where a missing key is an error that
/// names it.
///
/// ```swift
/// let width = try item.config.object("model").int("embed_dim")
/// for row in try item.config.array("sizes_hw") { let (h, w) = (try row[0].int, try row[1].int) }
/// ```
public struct ParityConfig: Sendable {
    indirect enum JSON: Sendable {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([JSON])
        case object([String: JSON])
    }

    let json: JSON
    /// Where this value stands, for messages: `mae_patchify: config.patch_size`.
    let place: String

    init(_ json: JSON, place: String) {
        self.json = json
        self.place = place
    }

    init(text: String, place: String) throws {
        do {
            self.init(try JSONDecoder().decode(JSON.self, from: Data(text.utf8)), place: place)
        } catch {
            throw ParityError("\(place): no JSON: \(error)")
        }
    }
}

// MARK: - Fields of an object

extension ParityConfig {
    public func int(_ key: String) throws -> Int { try field(key).int }
    public func double(_ key: String) throws -> Double { try field(key).double }
    public func bool(_ key: String) throws -> Bool { try field(key).bool }
    public func string(_ key: String) throws -> String { try field(key).string }
    public func array(_ key: String) throws -> [ParityConfig] { try field(key).array }

    public func object(_ key: String) throws -> ParityConfig {
        let value = try field(key)
        _ = try value.fields
        return value
    }

    /// The value of a key, whatever it is.
    public func field(_ key: String) throws -> ParityConfig {
        let fields = try fields
        guard let value = fields[key] else {
            throw ParityError(
                "\(place): no key '\(key)'; there are \(fields.keys.sorted().joined(separator: ", "))"
            )
        }
        return ParityConfig(value, place: "\(place).\(key)")
    }

    /// The keys of an object, sorted.
    public var keys: [String] { get throws { try fields.keys.sorted() } }

    /// Whether the object has a key whose value is not null.
    public func contains(_ key: String) -> Bool {
        guard case .object(let fields) = json, let value = fields[key] else { return false }
        if case .null = value { return false }
        return true
    }

    private var fields: [String: JSON] {
        get throws {
            guard case .object(let fields) = json else { throw mismatch("an object") }
            return fields
        }
    }
}

// MARK: - The value itself

extension ParityConfig {
    public var int: Int {
        get throws {
            guard case .number(let value) = json, let whole = Int(exactly: value) else {
                throw mismatch("a whole number")
            }
            return whole
        }
    }

    public var double: Double {
        get throws {
            guard case .number(let value) = json else { throw mismatch("a number") }
            return value
        }
    }

    public var bool: Bool {
        get throws {
            switch json {
            case .bool(let value): return value
            // Python's flags were sometimes recorded as 0 and 1.
            case .number(0): return false
            case .number(1): return true
            default: throw mismatch("true or false")
            }
        }
    }

    public var string: String {
        get throws {
            guard case .string(let value) = json else { throw mismatch("a string") }
            return value
        }
    }

    public var array: [ParityConfig] {
        get throws {
            guard case .array(let values) = json else { throw mismatch("an array") }
            return values.enumerated().map { ParityConfig($1, place: "\(place)[\($0)]") }
        }
    }

    public var isNull: Bool {
        if case .null = json { return true }
        return false
    }

    public subscript(_ index: Int) -> ParityConfig {
        get throws {
            let values = try array
            guard values.indices.contains(index) else {
                throw ParityError("\(place): no element \(index), there are \(values.count)")
            }
            return values[index]
        }
    }

    private func mismatch(_ expected: String) -> ParityError {
        ParityError("\(place): expected \(expected), found \(json)")
    }
}

extension ParityConfig.JSON: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([Self].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: Self].self))
        }
    }
}

/// A case lacks something that a test asked for.
public struct ParityError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
