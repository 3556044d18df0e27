public import VisionModels

/// A measurement of the model during training, such as k-NN accuracy.
public struct Probe {
    /// What was measured.
    public struct Reading {
        public let values: [(name: String, value: Double)]
        /// By which the best checkpoint is chosen, the more the better; nil keeps none.
        public let score: Double?
        /// What is wrong with the run, and what to do; nil where nothing is.
        public let warning: String?

        public init(
            values: [(name: String, value: Double)], score: Double? = nil, warning: String? = nil
        ) {
            self.values = values
            self.score = score
            self.warning = warning
        }
    }

    let measure: (any PretrainingMethod) throws -> Reading

    /// A probe of the encoder that draws nothing from any generator of the run.
    public init(measure: @escaping (any VisionEncoder) throws -> Reading) {
        self.measure = { try measure($0.backbone) }
    }

    private init(measuring measure: @escaping (any PretrainingMethod) throws -> Reading) {
        self.measure = measure
    }

    /// A probe of the whole method that draws nothing from any generator of the run.
    public static func ofMethod(
        _ measure: @escaping (any PretrainingMethod) throws -> Reading
    ) -> Probe {
        Probe(measuring: measure)
    }
}
