public import Configuration

/// The teacher's temperature: a rise epoch by epoch, then a constant.
///
/// Caron et al. 2021, section 3.1 and appendix C: a low temperature sharpens the targets, too low a one
/// is unstable, and too high a one at the start as well.
public struct TemperatureRamp: Configuration, Hashable {
    public var start = 0.04
    public var end = 0.07
    public var epochs = 30

    public init() {}

    init(_ start: Double, _ end: Double, epochs: Int = 30) {
        (self.start, self.end, self.epochs) = (start, end, epochs)
    }

    /// The temperature of an epoch, counted from 0, where the rise begins after `delay` epochs.
    public func value(at epoch: Int, delay: Int = 0) -> Double {
        let epoch = max(epoch - delay, 0)
        guard epoch < epochs else { return end }
        return epochs > 1 ? start + (end - start) * Double(epoch) / Double(epochs - 1) : start
    }

    public static var documentation: [String: String] {
        [
            "start": "in the first epoch",
            "end": "after the rise",
            "epochs": "of the rise, the last of which has the end's",
        ]
    }

    public func validate() throws {
        for (key, value) in [("start", start), ("end", end)] where !(value > 0) {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        guard epochs >= 0 else {
            throw ConfigurationError.invalid("epochs", found: epochs, expected: "0 or more")
        }
    }
}
