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

    /// A probe of a method, mostly of its encoder, that draws nothing from any generator of the run.
    public init(measure: @escaping (any PretrainingMethod) throws -> Reading) {
        self.measure = measure
    }
}
