import CCodecs
import Foundation

/// Filters of Pillow's `resize`; all of them widen when a picture shrinks (antialiasing).
public enum Interpolation: String, Codable, Sendable, CaseIterable {
    case box
    case bilinear
    case bicubic
    case lanczos

    /// Half the width of the filter, in pixels of the coarser picture.
    var support: Double {
        switch self {
        case .box: 0.5
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The filter at distance `x` from its centre.
    func weight(_ x: Double) -> Double {
        let d = abs(x)
        switch self {
        case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
        case .bilinear: return d < 1 ? 1 - d : 0
        case .bicubic:
            let a = -0.5
            if d < 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
            if d < 2 { return (((d - 5) * d + 8) * d - 4) * a }
            return 0
        case .lanczos: return d < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }
}

private func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * .pi) / (x * .pi)
}

/// Which axis is resampled first; the picture between the passes is rounded to 8 bits.
public enum PassOrder: String, Codable, Sendable, CaseIterable {
    /// Pillow up to 12.
    case horizontalFirst
    /// Pillow 13: vertical first if the height shrinks by more than twice what the width does.
    case pillow13

    func startsVertically(from input: CropBox, to width: Int, _ height: Int) -> Bool {
        guard self == .pillow13 else { return false }
        let lostRows = input.height - height
        return lostRows > 0 && lostRows > 2 * (input.width - width)
    }
}

/// Which part of an axis the outputs are spread over, in pixels of the input.
///
/// Filters may reach beyond it where there are inputs.
struct SampledSpan: Equatable {
    var start: Double
    var end: Double

    /// All inputs.
    init(_ inputs: Int) { self.init(start: 0, end: Double(inputs)) }

    init(start: Double, end: Double) { (self.start, self.end) = (start, end) }

    func moved(by inputs: Int) -> SampledSpan {
        SampledSpan(start: start + Double(inputs), end: end + Double(inputs))
    }
}

/// What one axis is resampled from and to.
struct AxisPlan: Equatable {
    let inputs: Int
    let span: SampledSpan
    let outputs: Int
    let filter: Interpolation

    /// Whether each output is one input: such an axis is not filtered.
    var isIdentity: Bool { inputs == outputs && span == SampledSpan(inputs) }

    /// Inputs from the centre of an output to the next.
    var scale: Double { (span.end - span.start) / Double(outputs) }
    /// How much the filter is widened.
    var widening: Double { max(scale, 1) }
    var support: Double { filter.support * widening }

    /// Weights of an output: a multiple of 4, which the C loops take at a time.
    var taps: Int { (Int(support.rounded(.up)) * 2 + 1 + 3) / 4 * 4 }
}

/// The weights of one axis: for each output which inputs it sums, with 22 fractional bits.
///
/// Output x, with scale = length of the span / outputs and f = max(scale, 1): centre
/// c = start of the span + (x + ½) · scale, taps from ⌊c − s·f + ½⌋ to ⌊c + s·f + ½⌋ within the
/// inputs, weights k((j − c + ½) / f) over their sum.
struct AxisWeights {
    private(set) var starts: [Int32] = []
    private(set) var counts: [Int32] = []
    private(set) var weights: [Int32] = []
    private(set) var taps = 0
    private var exact: [Double] = []
    private var key: (plan: AxisPlan, range: Range<Int>)?
    /// Weights that are kept at a time, unless one output has more.
    private let most: Int

    init(most: Int) { self.most = most }

    /// Parts of `range` with so few outputs that their weights may be kept.
    func chunks(of range: Range<Int>, _ plan: AxisPlan) -> [Range<Int>] {
        let step = max(most / plan.taps, 1)
        return stride(from: range.lowerBound, to: range.upperBound, by: step).map {
            $0..<min($0 + step, range.upperBound)
        }
    }

    /// Computes the weights of some outputs, unless they are at hand.
    mutating func prepare(_ plan: AxisPlan, _ range: Range<Int>) {
        if let key, key == (plan, range) { return }
        key = (plan, range)
        let (scale, widening, support) = (plan.scale, plan.widening, plan.support)
        starts.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        taps = plan.taps
        exact.removeAll(keepingCapacity: true)
        exact.append(contentsOf: repeatElement(0, count: taps))
        weights.removeAll(keepingCapacity: true)
        weights.append(contentsOf: repeatElement(0, count: taps * range.count))
        for (row, x) in range.enumerated() {
            let centre = plan.span.start + (Double(x) + 0.5) * scale
            let low = max(0, Int(centre - support + 0.5))
            let high = min(plan.inputs, Int(centre + support + 0.5))
            starts.append(Int32(low))
            counts.append(Int32(high - low))
            exact.withUnsafeMutableBufferPointer { exact in
                var sum = 0.0
                for tap in 0..<high - low {
                    let distance = (Double(low + tap) - centre + 0.5) * (1 / widening)
                    exact[tap] = plan.filter.weight(distance)
                    sum += exact[tap]
                }
                weights.withUnsafeMutableBufferPointer { weights in
                    for tap in 0..<high - low {
                        let weight = sum == 0 ? exact[tap] : exact[tap] / sum
                        let fixed = weight * Double(1 << 22)
                        weights[row * taps + tap] = Int32(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
                    }
                }
            }
        }
    }

    /// Calls `body` with the form that the C loops take.
    func withAxis<Result>(_ body: (cc_axis) -> Result) -> Result {
        starts.withUnsafeBufferPointer { starts in
            counts.withUnsafeBufferPointer { counts in
                weights.withUnsafeBufferPointer { weights in
                    body(
                        cc_axis(
                            starts: starts.baseAddress, counts: counts.baseAddress,
                            weights: weights.baseAddress, outputs: Int32(starts.count),
                            taps: Int32(taps)))
                }
            }
        }
    }
}
