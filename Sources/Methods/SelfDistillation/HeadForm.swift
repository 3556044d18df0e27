public import Configuration

/// The shape of a projection head; the defaults are those of all published DINO and iBOT models.
public struct HeadForm: Configuration, Hashable {
    public var depth = 3
    public var width = 2048
    public var bottleneck = 256
    public var norm = Norm.none
    public var activation = Activation.gelu
    public var fixesGain = true

    public init() {}

    /// What normalises the hidden layers.
    public enum Norm: String, Codable, Sendable, CaseIterable {
        case none
        /// Over all tokens of a pass.
        case batch
        case layer
    }

    public enum Activation: String, Codable, Sendable, CaseIterable {
        case gelu
        case relu
    }

    public static var documentation: [String: String] {
        [
            "depth": "linear layers before the prototypes",
            "width": "the length of hidden layers",
            "bottleneck":
                "the length of what is compared with the prototypes, at unit length; 0 for "
                + "a last linear layer instead",
            "norm": "between the hidden layers: none, batch or layer",
            "activation": "gelu or relu",
            "fixesGain": "whether the prototypes keep unit length (norm_last_layer)",
        ]
    }

    public func validate() throws {
        for (key, value, least) in [
            ("depth", depth, 1), ("width", width, 1), ("bottleneck", bottleneck, 0),
        ] where value < least {
            throw ConfigurationError.invalid(
                key, found: value, expected: "\(least) or more")
        }
    }
}
