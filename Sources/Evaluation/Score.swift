/// A number that an evaluation gave a model, with what makes it reproducible.
///
/// `scores.json` in a run folder is a list of them; keys are never renamed.
public struct Score: Codable, Hashable, Sendable {
    /// The evaluation: `knn`, `linear`, `logistic`.
    public var `protocol`: String
    /// What is measured: `top1`, `top5` (percent).
    public var metric: String
    public var value: Double
    /// Where the value would lie with other test pictures of the same kind; nil where it was not
    /// estimated.
    public var interval: Interval?
    /// Every setting that the value depends on.
    public var settings: [String: Setting]

    public init(
        protocol: String, metric: String, value: Double, interval: Interval? = nil,
        settings: [String: Setting] = [:]
    ) {
        self.protocol = `protocol`
        self.metric = metric
        self.value = value
        self.interval = interval
        self.settings = settings
    }

    /// A setting as JSON knows it.
    public enum Setting: Codable, Hashable, Sendable {
        case flag(Bool)
        case number(Double)
        case text(String)

        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .flag(let flag): try container.encode(flag)
            case .number(let number): try container.encode(number)
            case .text(let text): try container.encode(text)
            }
        }
    }
}

extension Score.Setting: ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByStringLiteral
{
    public init(booleanLiteral value: Bool) { self = .flag(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    public init(stringLiteral value: String) { self = .text(value) }
}

extension Score {
    /// Both accuracies as scores.
    static func pair(
        _ protocol: String, _ accuracy: Accuracy, _ settings: [String: Setting]
    ) -> [Score] {
        [
            Score(
                protocol: `protocol`, metric: "top1", value: accuracy.top1, settings: settings),
            Score(
                protocol: `protocol`, metric: "top5", value: accuracy.top5, settings: settings),
        ]
    }

    /// Top-1 and top-5 of several results on the same test pictures, with intervals from the same
    /// resamples of them.
    static func pairs(
        _ protocol: String, _ results: [(ranks: TestRanks, settings: [String: Setting])],
        _ bootstrap: Bootstrap = Bootstrap()
    ) -> [Score] {
        let intervals = bootstrap.intervals(of: results.map(\.ranks))
        return zip(results, intervals).flatMap { result, interval in
            let accuracy = result.ranks.accuracy
            let settings = result.settings.merging(
                ["seed": .number(Double(bootstrap.seed))]
            ) { own, _ in own }
            return [
                Score(
                    protocol: `protocol`, metric: "top1", value: accuracy.top1,
                    interval: interval.top1, settings: settings),
                Score(
                    protocol: `protocol`, metric: "top5", value: accuracy.top5,
                    interval: interval.top5, settings: settings),
            ]
        }
    }
}
