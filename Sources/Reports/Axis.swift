import Foundation

/// How the values of a chart are laid along an axis.
public enum AxisScale: Sendable, Equatable {
    case linear
    /// Values that are not positive have no place on it and are left out.
    case logarithmic
}

/// A range of values mapped to a range of pixels.
struct Axis {
    let scale: AxisScale
    let range: ClosedRange<Double>
    /// From the pixel of the lower bound to that of the upper.
    let pixels: (from: Double, to: Double)

    /// The smallest pleasant range that holds `values`, of which only finite ones count.
    ///
    /// `padded` leaves a little room at both ends, and shows zero if it is near.
    init(
        _ values: [Double], scale: AxisScale, padded: Bool, pixels: (from: Double, to: Double)
    ) {
        self.scale = scale
        self.pixels = pixels
        let usable = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
        guard var low = usable.min(), var high = usable.max() else {
            range = scale == .linear ? 0...1 : 0.1...1
            return
        }
        switch scale {
        case .linear:
            if low == high {
                let room = low == 0 ? 1 : abs(low) * 0.1
                (low, high) = (low - room, high + room)
            } else if padded {
                let room = (high - low) * 0.05
                // A curve that comes near zero is read against zero.
                let showsZero = low >= 0 && low < (high - low) * 0.4
                (low, high) = (showsZero ? 0 : low - room, high + room)
            }
        case .logarithmic:
            if low == high {
                (low, high) = (low / 2, high * 2)
            } else if padded {
                let room = pow(high / low, 0.05)
                (low, high) = (low / room, high * room)
            }
        }
        let limit = Double.greatestFiniteMagnitude / 4
        let least = scale == .linear ? -limit : 1e-300
        low = min(max(low, least), limit)
        high = min(max(high, least), limit)
        range = low < high ? low...high : 0.1...1
    }

    /// The pixel of a value; nil for a value that has no place on the axis.
    func position(_ value: Double) -> Double? {
        guard value.isFinite, scale == .linear || value > 0 else { return nil }
        let share =
            switch scale {
            case .linear:
                (value - range.lowerBound) / (range.upperBound - range.lowerBound)
            case .logarithmic:
                log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
            }
        return pixels.from + min(max(share, 0), 1) * (pixels.to - pixels.from)
    }

    func ticks(_ count: Int) -> Ticks {
        switch scale {
        case .linear: Ticks.linear(range, count: count)
        case .logarithmic: Ticks.logarithmic(range, count: count)
        }
    }
}
