public import TensorFiles

/// A value of a pickle as plain data: numbers, texts, lists and dictionaries of them.
public indirect enum PlainValue: Sendable, Equatable {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([PlainValue])
    case dictionary([String: PlainValue])
    /// Anything else, as it is shown to people.
    case other(String)

    /// Lists and dictionaries deeper than this stay descriptions.
    private static let depthLimit = 6
    /// And so do longer ones: nobody writes a schedule of a million numbers.
    private static let countLimit = 100_000

    /// A tensor of one element is its number.
    public init(_ value: PickleValue) {
        self.init(value, depth: Self.depthLimit)
    }

    private init(_ value: PickleValue, depth: Int) {
        if value.isNone {
            self = .none
        } else if let bool = value.bool {
            self = .bool(bool)
        } else if let int = value.int {
            self = .int(int)
        } else if let double = value.double {
            self = .double(double)
        } else if let string = value.string {
            self = .string(string)
        } else if let number = value.tensor?.scalar {
            self = .double(number)
        } else if depth > 0, let elements = value.elements, elements.count <= Self.countLimit {
            self = .list(elements.map { PlainValue($0, depth: depth - 1) })
        } else if depth > 0, value.isContainer, value.children.count <= Self.countLimit {
            self = .dictionary(
                Dictionary(
                    value.children.map { ($0.name, PlainValue($0.value, depth: depth - 1)) }
                ) { $1 })
        } else {
            self = .other("\(value)")
        }
    }

    /// A number of any kind.
    public var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// A whole number.
    public var int: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }
}

extension PickleValue {
    /// Whether it is a dictionary, or an object with entries or attributes.
    var isContainer: Bool {
        switch content {
        case .dict: true
        case .object(let object): !object.entries.isEmpty || !object.attributes.isEmpty
        default: false
        }
    }
}
