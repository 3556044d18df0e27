import Foundation
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Relative biases for another window") struct RelativeBiasResizeTests {
    private static let window = PatchGrid(rows: 4, columns: 4)
    private static let targets = [
        PatchGrid(rows: 7, columns: 7), PatchGrid(rows: 3, columns: 3),
        PatchGrid(rows: 5, columns: 8), PatchGrid(rows: 4, columns: 2),
    ]
    private static let resizing = [RelativeBiasResize.geometricSpline, .bicubic]

    /// A table of 3 heads for a window.
    private func table(_ window: PatchGrid, extra: Int = 0) -> Tensor {
        .normal([window.offsets.count + extra, 3], generator: Generator(seed: 41))
    }

    @Test("the same window changes nothing", arguments: RelativeBiasResize.allCases)
    func sameWindow(way: RelativeBiasResize) throws {
        let stored = table(Self.window, extra: 3)
        #expect(
            try way.fitting(stored, to: Self.window, extraRows: 3).isIdentical(to: stored))
        let rectangle = PatchGrid(rows: 3, columns: 6)
        let other = table(rectangle)
        #expect(try way.fitting(other, to: rectangle, extraRows: 0).isIdentical(to: other))
    }

    @Test("rows of the class token are kept to the bit", arguments: resizing, [0, 3])
    func extraRows(way: RelativeBiasResize, extra: Int) throws {
        let stored = table(Self.window, extra: extra)
        for target in Self.targets {
            let fitted = try way.fitting(stored, to: target, extraRows: extra)
            let count = target.offsets.count
            #expect(fitted.shape == [count + extra, 3])
            #expect(fitted[count...].isEqual(to: stored[49...]))
        }
    }

    @Test("equal biases stay equal, also where the target reaches beyond", arguments: resizing)
    func constant(way: RelativeBiasResize) throws {
        for target in Self.targets + [PatchGrid(rows: 30, columns: 30)] {
            let fitted = try way.fitting(.full([49, 3], -1.3), to: target, extraRows: 0)
            expect(fitted, closeTo: .full([target.offsets.count, 3], -1.3), atol: 1e-5)
        }
    }

    @Test("rows and columns are not confused", arguments: resizing)
    func transposition(way: RelativeBiasResize) throws {
        let source = PatchGrid(rows: 3, columns: 5)
        let target = PatchGrid(rows: 4, columns: 9)
        func swapped(_ x: Tensor, _ window: PatchGrid) -> Tensor {
            let offsets = window.offsets
            return x.reshaped(offsets.rows, offsets.columns, 3).transposed(0, 1)
                .reshaped(offsets.count, 3)
        }
        let stored = table(source)
        let fitted = try way.fitting(stored, from: source, to: target, extraRows: 0)
        let other = try way.fitting(
            swapped(stored, source), from: PatchGrid(rows: 5, columns: 3),
            to: PatchGrid(rows: 9, columns: 4), extraRows: 0)
        expect(other, closeTo: swapped(fitted, target), atol: 1e-6)
        #expect(!fitted.isEqual(to: other))
    }

    @Test("an axis that keeps its length is not resampled", arguments: resizing)
    func oneAxis(way: RelativeBiasResize) throws {
        // A bias for Δrow = −1 alone.
        var values = [Float](repeating: 0, count: 49)
        for column in 0..<7 { values[2 * 7 + column] = Float(column + 1) }
        let fitted = try way.fitting(
            Tensor(values, shape: [49, 1]), to: PatchGrid(rows: 4, columns: 6), extraRows: 0)
        let rows = fitted.reshaped(7, 11).abs().sum(1).values(as: Double.self)
        for (row, sum) in rows.enumerated() { #expect(row == 2 ? sum > 10 : sum < 1e-6) }
    }

    @Test("a table that does not know directions stays so", arguments: resizing)
    func symmetry(way: RelativeBiasResize) throws {
        let grid = table(Self.window).reshaped(7, 7, 3)
        let even = (grid + grid.flipped(0, 1)).reshaped(49, 3)
        for target in Self.targets {
            let fitted = try way.fitting(even, to: target, extraRows: 0)
            expect(fitted, closeTo: fitted.flipped(0), atol: 1e-5)
        }
    }

    @Test("the spline is the cubic of its data: every cubic comes back")
    func cubics() {
        let knots = [-7.1, -3, -1, -0.2, 0, 0.5, 1.7, 4, 9]
        let points = [-7.1, -5, -1, 0.1, 3, 8.9, 9]
        func cubic(_ x: Double) -> Double { 0.3 - 1.1 * x + 0.4 * x * x - 0.05 * x * x * x }
        let weights = NotAKnotSpline.weights(knots: knots, points: points)
        let values = Tensor(knots.map(cubic), shape: [knots.count, 1])
        expect(
            weights.matmul(values), closeTo: Tensor(points.map(cubic), shape: [points.count, 1]),
            atol: 1e-11)
        // It interpolates, and the nearest value holds outside.
        let own = NotAKnotSpline.weights(knots: knots, points: knots)
        expect(own, closeTo: .identity(knots.count, dtype: .float64), atol: 1e-12)
        let outside = NotAKnotSpline.weights(knots: knots, points: [-20, 30])
        expect(outside[0], closeTo: own[0], atol: 1e-12)
        expect(outside[1], closeTo: own[knots.count - 1], atol: 1e-12)
    }

    @Test("inside, the second derivative of the spline is continuous")
    func smoothness() {
        let knots = [-4, -2.5, -1, 0, 1, 2.5, 4]
        let step = 1e-4
        let values = Tensor([3.0, -1, 0.5, 2, -2, 0, 1], shape: [7, 1])
        for knot in knots[1..<6] {
            // One-sided second differences, exact up to the third derivative times the step.
            let left = [knot, knot - step, knot - 2 * step]
            let right = [knot, knot + step, knot + 2 * step]
            let both = [left, right].map { points in
                let s = NotAKnotSpline.weights(knots: knots, points: points).matmul(values)
                    .values(as: Double.self)
                return (s[0] - 2 * s[1] + s[2]) / (step * step)
            }
            #expect(abs(both[0] - both[1]) < 0.02, "\(knot): \(both)")
        }
    }

    @Test("geometric offsets end where the target does, if q can reach it")
    func geometricOffsets() {
        for (source, target) in [(13, 27), (27, 47), (23, 27), (11, 13)] {
            let axis = GeometricOffsets(source: source, target: target)
            #expect(axis.coordinates.count == source && axis.coordinates[source / 2] == 0)
            #expect(abs((axis.coordinates.last ?? 0) - Double(target / 2)) < 1e-3)
            #expect(axis.coordinates == axis.coordinates.reversed().map { -$0 })
            let steps = zip(axis.coordinates.dropFirst(), axis.coordinates).map { $0 - $1 }
            for (next, step) in zip(steps.dropFirst(), steps).suffix(source / 2 - 1) {
                #expect(abs(next / step - axis.ratio) < 1e-9)
            }
        }
        // Shrinking and growing beyond reach stop at the borders of q.
        #expect(abs(GeometricOffsets(source: 27, target: 13).ratio - 1.01) < 1e-5)
        #expect(abs(GeometricOffsets(source: 5, target: 27).ratio - 1.5) < 1e-5)
    }

    @Test("the stored type is kept", arguments: resizing, [DType.float16, .bfloat16, .float64])
    func types(way: RelativeBiasResize, dtype: DType) throws {
        let target = PatchGrid(rows: 6, columns: 6)
        let stored = table(Self.window).to(dtype: dtype)
        let fitted = try way.fitting(stored, to: target, extraRows: 0)
        #expect(fitted.dtype == dtype)
        let wide = try way.fitting(stored.to(dtype: .float32), to: target, extraRows: 0)
        expect(
            fitted.to(dtype: .float32), closeTo: wide,
            .ofMaximum(dtype == .float64 ? 1e-6 : 0.01))
    }

    @Test("what does not fit is an error that says why")
    func errors() throws {
        func message(
            _ way: RelativeBiasResize, _ shape: [Int], from source: PatchGrid? = nil,
            to target: Int = 6, extra: Int = 0, dtype: DType = .float32
        ) throws -> String {
            let target = PatchGrid(rows: target, columns: target)
            let error = #expect(throws: PositionFitError.self) {
                try way.fitting(
                    .zeros(shape, dtype: dtype), from: source, to: target, extraRows: extra)
            }
            return try #require(error).description
        }
        #expect(
            try message(.beit, [50, 3], extra: 3)
                == "50 rows of biases less 3 for the class token leave 47, expected (2w − 1)² for a "
                + "window of w × w; check the extra rows, or give the window of the checkpoint")
        #expect(try message(.swin, [36, 3]).contains("leave 36"))
        #expect(
            try message(.swin, [49, 3], from: PatchGrid(rows: 3, columns: 4))
                .hasPrefix("5×7 offsets and 0 extra rows are 35 rows of biases, found 49"))
        #expect(
            try message(.none, [49, 3]).hasPrefix("the table is made for 7×7 offsets"))
        #expect(
            try message(.beit, [9, 3]).contains("not from 3 to 11; use bicubic"))
        #expect(try message(.beit, [49]).hasSuffix("found [49] of float32"))
        #expect(try message(.beit, [3, 3], extra: 3).contains("[offsets + 3, heads]"))
        #expect(try message(.beit, [49, 3], dtype: .int64).hasSuffix("of int64"))
        #expect(try message(.beit, []).contains("found [] of"))
    }
}
