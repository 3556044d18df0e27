import TestSupport
import Testing
import Torch

extension ParityCase {
    /// Compares a weight at the end of a run in fp64 with the one of the reference's run in fp32.
    ///
    /// AdamW makes a step of the size of the learning rate of any gradient: of the first, which it
    /// divides by its own size, only the sign counts. In fp32 a gradient that is next to nothing is
    /// rounding noise, and so is the step made of it. So one element in ten thousand, and one of
    /// any tensor, may be off by 2e-4, a part of one step; all others by 2e-5, and by 2e-6 in the
    /// mean, which no wrong gradient, optimiser or schedule would leave.
    ///
    /// Biases of keys change nothing, so that they have no gradient but such noise: they are left
    /// out.
    func compareTrained(
        _ name: String, _ found: Tensor, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        compare(name, sourceLocation: sourceLocation) { expected in
            guard found.shape == expected.shape else {
                return "found shape \(found.shape), expected \(expected.shape)"
            }
            var distances = zip(found.detached().doubles, expected.doubles).map { abs($0 - $1) }
            if name.hasSuffix("attn.qkv.bias") {
                let width = distances.count / 3
                distances.removeSubrange(width..<2 * width)
            }
            guard distances.allSatisfy(\.isFinite) else { return "not finite" }
            distances.sort(by: >)
            let exceptions = max(distances.count / 10_000, 1)
            let rest = distances.dropFirst(exceptions)
            let mean = rest.reduce(0, +) / Double(max(rest.count, 1))
            let (worst, next) = (distances.first ?? 0, rest.first ?? 0)
            return worst <= 2e-4 && next <= 2e-5 && mean <= 2e-6
                ? nil
                : "of \(distances.count) elements the worst differs by \(worst); without the worst "
                    + "\(exceptions) they differ by up to \(next), in the mean by \(mean)"
        }
    }
}
