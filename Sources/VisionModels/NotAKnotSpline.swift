import Foundation
package import Torch

/// The interpolating cubic spline whose first two pieces are one cubic, and so are its last two.
///
/// It is what FITPACK's `regrid` and SciPy's `interp2d` make without smoothing. In a piece of length
/// h between knots with values y and second derivatives m, at shares a + b = 1 of its ends,
///
///     s = a y₀ + b y₁ + h²/6 ((a³ − a) m₀ + (b³ − b) m₁)
///
/// and equal slopes at the inner knots give a linear system for m. libtorch has no spline; its
/// matrices of a few dozen numbers are filled here on the CPU, libtorch solves and multiplies them.
package enum NotAKnotSpline {
    /// The matrix `[points, knots]` in fp64 that takes values at the knots to values of the spline.
    ///
    /// - Parameters:
    ///   - knots: four or more, rising.
    ///   - points: those outside the knots take the value of the nearest one.
    /// - Returns: the weights, which sum to 1 for each point.
    package static func weights(knots: [Double], points: [Double]) -> Tensor {
        let x = knots
        let n = x.count
        require(n >= 4, "a cubic spline has 4 knots or more, found \(n)")
        let h = zip(x.dropFirst(), x).map { $0 - $1 }
        require(h.allSatisfy { $0 > 0 }, "the knots of a spline must rise")

        // left · m = right · y
        var left = Matrix(n, n)
        var right = Matrix(n, n)
        for i in 1..<n - 1 {
            left[i, i - 1] = h[i - 1]
            left[i, i] = 2 * (h[i - 1] + h[i])
            left[i, i + 1] = h[i]
            right[i, i - 1] = 6 / h[i - 1]
            right[i, i] = -6 / h[i - 1] - 6 / h[i]
            right[i, i + 1] = 6 / h[i]
        }
        for (row, i) in [(0, 1), (n - 1, n - 2)] {  // the third derivative does not jump at knot i
            left[row, i - 1] = h[i]
            left[row, i] = -h[i - 1] - h[i]
            left[row, i + 1] = h[i - 1]
        }

        // s = values · y + bends · m
        var values = Matrix(points.count, n)
        var bends = Matrix(points.count, n)
        for (row, point) in points.enumerated() {
            let point = min(max(point, x[0]), x[n - 1])
            let i = min((x.lastIndex { $0 <= point } ?? 0), n - 2)
            let b = (point - x[i]) / h[i]
            let a = 1 - b
            values[row, i] = a
            values[row, i + 1] = b
            bends[row, i] = (a * a * a - a) * h[i] * h[i] / 6
            bends[row, i + 1] = (b * b * b - b) * h[i] * h[i] / 6
        }
        let secondDerivatives = left.tensor.solving(for: right.tensor)  // [n, n], times y
        return values.tensor + bends.tensor.matmul(secondDerivatives)
    }

    /// A matrix that is filled element by element.
    private struct Matrix {
        let rows: Int
        let columns: Int
        var elements: [Double]

        init(_ rows: Int, _ columns: Int) {
            self.rows = rows
            self.columns = columns
            elements = Array(repeating: 0, count: rows * columns)
        }

        subscript(row: Int, column: Int) -> Double {
            get { elements[row * columns + column] }
            set { elements[row * columns + column] = newValue }
        }

        var tensor: Tensor { Tensor(elements, shape: [rows, columns]) }
    }
}
