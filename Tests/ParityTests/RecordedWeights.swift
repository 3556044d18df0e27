import TestSupport
import Testing
import Torch

extension ParityCase {
    /// Compares a weight at the end of a run in fp64 with the one of the reference's run in fp32.
    ///
    /// AdamW makes a step of the size of the learning rate of any gradient, one that is rounding
    /// noise too, so that the reference's own rounding shows: 2e-5 at most, 2e-6 in the mean.
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
            let worst = distances.max() ?? 0
            let mean = distances.reduce(0, +) / Double(max(distances.count, 1))
            return worst <= 2e-5 && mean <= 2e-6
                ? nil : "differs by up to \(worst), in the mean by \(mean)"
        }
    }
}
