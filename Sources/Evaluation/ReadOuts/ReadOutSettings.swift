public import Configuration
import NN
import Torch

/// What read-outs can be told.
public struct ReadOutSettings: Configuration, Hashable {
    public var heads: Int? = nil
    public var queries: Int? = nil
    public var outputDivisor = 1
    public var depth = 1
    public var gamma: Double? = nil
    public var abmilp = AbMILP.Config()

    public init() {}

    public static var documentation: [String: String] {
        [
            "heads": "of read-outs with heads; null for one each 64 numbers of the width",
            "queries": "of ep; null for 32, or the most below that divide the width",
            "outputDivisor": "what ep divides the width by",
            "depth": "blocks of attentive",
            "gamma": "of simpool's generalised mean, 1.25 in the paper; null for the plain mean",
            "abmilp": "Beyond [cls]'s pooling",
        ]
    }

    public func validate() throws {
        for (key, value) in [
            ("heads", heads ?? 1), ("queries", queries ?? 1), ("outputDivisor", outputDivisor),
            ("depth", depth),
        ] where value < 1 {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        if let gamma, gamma <= 0 {
            throw ConfigurationError.invalid("gamma", found: gamma, expected: "a positive number")
        }
    }

    /// A read-out with parameters, for tokens of a form.
    func make(_ kind: ReadOutKind, on form: TokenForm, generator: Generator?) throws -> any ReadOut
    {
        let width = form.width
        switch kind {
        case .abmilp:
            guard abmilp.content == .patch || form.extraTokens == 1 else {
                throw ConfigurationError.invalid(
                    "abmilp.content", found: "all",
                    expected: "patch: the encoder has \(form.extraTokens) tokens before the patches"
                )
            }
            return try AbMILP(abmilp, width: width, grid: form.grid, generator: generator)
        case .ep:
            return EfficientProbing(
                inputWidth: width, queries: try queryCount(width), outputDivisor: outputDivisor,
                generator: generator)
        case .simpool: return SimPool(width: width, gamma: gamma, generator: generator)
        case .esimpool: return SimPool(width: width, heads: try headCount(width))
        case .attentive:
            return AttentivePooler(
                width: width, heads: try headCount(width), depth: depth, generator: generator)
        case .aim:
            return AIMPooling(width: width, heads: try headCount(width), generator: generator)
        case .cae:
            return CAEPooling(width: width, heads: try headCount(width), generator: generator)
        case .cls, .mean, .clsAndMean: fatalError("\(kind) has no parameters")
        }
    }

    /// What a read-out of tokens of a width depends on, as `scores.json` keeps it.
    func card(_ kind: ReadOutKind, width: Int) throws -> [String: Score.Setting] {
        func heads() throws -> Score.Setting { .number(Double(try headCount(width))) }
        switch kind {
        case .cls, .mean, .clsAndMean: return [:]
        case .abmilp:
            return [
                "selfAttention": .text(abmilp.selfAttention.rawValue),
                "activation": .text(abmilp.activation.rawValue),
                "depth": .number(Double(abmilp.depth)),
                "condition": .text(abmilp.condition.rawValue),
                "content": .text(abmilp.content.rawValue),
                "trainsPositions": .flag(abmilp.trainsPositions),
            ]
        case .ep:
            return [
                "queries": .number(Double(try queryCount(width))),
                "outputDivisor": .number(Double(outputDivisor)),
            ]
        case .simpool: return ["gamma": gamma.map { Score.Setting.number($0) } ?? .text("none")]
        case .attentive: return ["heads": try heads(), "depth": .number(Double(depth))]
        case .esimpool, .aim, .cae: return ["heads": try heads()]
        }
    }

    private func headCount(_ width: Int) throws -> Int {
        try fitting("heads", heads, width, otherwise: max(1, width / 64), of: width)
    }

    private func queryCount(_ width: Int) throws -> Int {
        try fitting("queries", queries, width / outputDivisor, otherwise: 32, of: width)
    }

    /// The wanted divisor of a number, or the largest up to `otherwise`.
    private func fitting(
        _ key: String, _ wanted: Int?, _ number: Int, otherwise: Int, of width: Int
    ) throws -> Int {
        guard let wanted else { return (1...otherwise).last { number % $0 == 0 } ?? 1 }
        guard number % wanted == 0 else {
            throw ConfigurationError.invalid(
                key, found: wanted,
                expected: "a divisor of \(number), for tokens of \(width) numbers")
        }
        return wanted
    }
}
