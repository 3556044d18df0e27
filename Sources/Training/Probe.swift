public import VisionModels

/// A measurement of the encoder during training, such as k-NN accuracy.
public struct Probe {
    /// What was measured.
    public struct Reading {
        public let values: [(name: String, value: Double)]
        /// What is wrong with the run, and what to do; nil where nothing is.
        public let warning: String?

        public init(values: [(name: String, value: Double)], warning: String? = nil) {
            self.values = values
            self.warning = warning
        }
    }

    let measure: (any VisionEncoder) throws -> Reading

    /// A probe that draws nothing from any generator of the run.
    public init(measure: @escaping (any VisionEncoder) throws -> Reading) {
        self.measure = measure
    }
}
