import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Positions at another size") struct PositionResizeTests {
    private static let square = PatchGrid(rows: 4, columns: 4)
    private static let targets = [
        PatchGrid(rows: 7, columns: 7), PatchGrid(rows: 2, columns: 2),
        PatchGrid(rows: 3, columns: 6), PatchGrid(rows: 9, columns: 1),
    ]
    private static let resizing = PositionResize.allCases.filter { $0 != .none }

    private func stored(_ rows: Int, width: Int = 8) -> Tensor {
        .normal([1, rows, width], generator: Generator(seed: 31))
    }

    @Test("the same grid changes nothing", arguments: PositionResize.allCases)
    func sameGrid(way: PositionResize) throws {
        let embedding = stored(17)
        let fitted = try way.fitting(embedding, to: Self.square, extraTokens: 1)
        #expect(fitted.isIdentical(to: embedding))
        let rectangle = PatchGrid(rows: 2, columns: 8)
        #expect(
            try way.fitting(embedding, to: rectangle, extraTokens: 1).isIdentical(to: embedding))
    }

    @Test("rows in front of the patches are kept to the bit", arguments: resizing, [0, 1, 5])
    func extraTokens(way: PositionResize, extra: Int) throws {
        let embedding = stored(16 + extra)
        for target in Self.targets {
            let fitted = try way.fitting(embedding, to: target, extraTokens: extra)
            #expect(fitted.shape == [1, extra + target.count, 8])
            #expect(fitted[0..., ..<extra].isEqual(to: embedding[0..., ..<extra]))
        }
    }

    @Test("equal positions stay equal", arguments: [PositionResize.bicubic, .bicubicOffset])
    func constant(way: PositionResize) throws {
        for target in Self.targets {
            let fitted = try way.fitting(
                .full([1, 16, 8], 0.7), to: target, extraTokens: 0)
            expect(fitted, closeTo: .full([1, target.count, 8], 0.7), atol: 1e-6)
        }
    }

    @Test("rows and columns are not confused", arguments: [PositionResize.bicubic, .bicubicOffset])
    func transposition(way: PositionResize) throws {
        let source = PatchGrid(rows: 3, columns: 5)
        let target = PatchGrid(rows: 4, columns: 9)
        let embedding = stored(15)
        func swapped(_ x: Tensor, _ grid: PatchGrid) -> Tensor {
            x.reshaped(1, grid.rows, grid.columns, 8).transposed(1, 2)
                .reshaped(1, grid.count, 8)
        }
        let fitted = try way.fitting(embedding, from: source, to: target, extraTokens: 0)
        let other = try way.fitting(
            swapped(embedding, source), from: PatchGrid(rows: 5, columns: 3),
            to: PatchGrid(rows: 9, columns: 4), extraTokens: 0)
        expect(other, closeTo: swapped(fitted, target), atol: 1e-6)
        #expect(!fitted.isEqual(to: other))
    }

    @Test("bicubic weights and the map of coordinates, from their formulas")
    func formula() throws {
        func cubic(_ distance: Double) -> Double {
            let (a, d) = (-0.75, abs(distance))
            if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
            return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
        }
        let values = stored(16, width: 1).values(as: Double.self)
        for count in [31, 16, 9] {
            for (way, length) in [(PositionResize.mae, 0.0), (.iBOT, 0.1)] {
                let embedding = Tensor(values.map { Float($0) }, shape: [1, 16, 1])
                let fitted = way.apply(
                    embedding, from: PatchGrid(rows: 1, columns: 16),
                    to: PatchGrid(rows: 1, columns: count), extraTokens: 0, isSquare: false)
                let expected = (0..<count).map { x in
                    let at = (Double(x) + 0.5) * 16 / (Double(count) + length) - 0.5
                    let first = Int(at.rounded(.down)) - 1
                    return (first..<first + 4).reduce(0.0) { sum, cell in
                        sum + cubic(at - Double(cell)) * values[min(max(cell, 0), 15)]
                    }
                }
                // The single row is its own neighbour, wherever it is read.
                expect(fitted[0, 0..., 0], closeTo: Tensor(expected.map { Float($0) }), atol: 1e-5)
            }
        }
    }

    @Test("fixed positions are those of the other grid")
    func sinCos() throws {
        let table = SinCosEmbedding.make(Self.square, width: 8, classToken: true)
        for target in Self.targets {
            let fitted = try PositionResize.sinCos.fitting(table, to: target, extraTokens: 1)
            #expect(
                fitted.isEqual(to: SinCosEmbedding.make(target, width: 8, classToken: true)))
        }
        var config = VisionTransformer.Config()
        config.positionResize = .sinCos
        #expect(throws: Never.self) { try config.validate() }
        config.positions = .learned
        #expect(throws: (any Error).self) { try config.validate() }
    }

    @Test("the stored type is kept", arguments: [DType.float16, .bfloat16, .float64])
    func types(dtype: DType) throws {
        let embedding = stored(17).to(dtype: dtype)
        let target = PatchGrid(rows: 6, columns: 5)
        let fitted = try PositionResize.mae.fitting(embedding, to: target, extraTokens: 1)
        #expect(fitted.dtype == dtype)
        let wide = try PositionResize.mae.fitting(
            embedding.to(dtype: .float32), to: target, extraTokens: 1)
        // Halves are rounded once, at the end; fp64 is resampled as such.
        let rounded = wide.to(dtype: dtype).to(dtype: .float32)
        expect(
            fitted.to(dtype: .float32), closeTo: rounded, atol: dtype == .float64 ? 1e-5 : 0)
    }

    @Test("what does not fit is an error that says why")
    func errors() throws {
        func message(
            _ way: PositionResize, _ stored: Tensor, from source: PatchGrid? = nil, extra: Int = 1
        ) throws -> String {
            let target = PatchGrid(rows: 6, columns: 6)
            let error = #expect(throws: PositionFitError.self) {
                try way.fitting(stored, from: source, to: target, extraTokens: extra)
            }
            return try #require(error).description
        }
        #expect(
            try message(.mae, stored(16))
                == "16 positions less 1 extra token leave 15 patches, expected a square number; "
                + "check the extra tokens, or give the grid of the checkpoint")
        #expect(
            try message(.mae, stored(17), from: PatchGrid(rows: 3, columns: 5))
                .contains("leave 16 patches, expected the 15 of 3×5"))
        #expect(
            try message(.featurenorm, stored(17))
                .hasPrefix("the positions are made for 4×4 patches, the model has 6×6"))
        #expect(
            try message(.mae, stored(17)[0]).hasSuffix("found [17, 8] of float32"))
        #expect(
            try message(.mae, stored(17).to(dtype: .int64))
                .hasSuffix("found [1, 17, 8] of int64"))
        #expect(try message(.mae, stored(3), extra: 3).contains("found [1, 3, 8]"))
        #expect(
            try message(.sinCos, stored(17, width: 6)).contains("a width that 4 divides, found 6"))
    }

    @Test("square numbers have a grid")
    func squares() {
        for side in 1...100 {
            #expect(
                PatchGrid(squareOf: side * side) == PatchGrid(rows: side, columns: side))
            #expect(PatchGrid(squareOf: side * side + 1) == nil)
        }
        #expect(PatchGrid(squareOf: 0) == nil && PatchGrid(squareOf: -4) == nil)
    }
}
