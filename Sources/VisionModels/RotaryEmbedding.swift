import Foundation
public import NN
package import Torch

/// The angles by which rotary models turn the queries and keys of patches.
///
/// Half of the pairs of channels turn by the row and half by the column, each by F = d/4 frequencies
/// from fast to slow. Tokens before the patches are not turned.
public struct RotaryEmbedding: Hashable, Sendable {
    /// Whose coordinates and frequencies.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Siméoni et al., *DINOv3* (2025): the middles of patches in [−1, 1] along each axis, angles
        /// 2π x / base^(k/F), base 100; channel i turns with i + d/2.
        case dinoV3
        /// Fang et al., *EVA-02* (2023): rows and columns counted from 0 and stretched to the grid of
        /// pre-training, angles x / base^(k/F), base 10000; channel 2i turns with 2i + 1.
        case eva02
    }

    package let kind: Kind
    package let base: Double
    package let referenceGrid: Int?

    /// - Parameters:
    ///   - kind: whose.
    ///   - base: of the frequencies; nil for the kind's own.
    ///   - referenceGrid: the side of the grid that coordinates of `eva02` are stretched to; nil for
    ///     none.
    public init(_ kind: Kind, base: Double? = nil, referenceGrid: Int? = nil) {
        self.kind = kind
        self.base = base ?? (kind == .dinoV3 ? 100 : 10000)
        self.referenceGrid = referenceGrid
    }

    /// The rotation of the patches of a grid, row by row, in heads of d channels.
    ///
    /// - Returns: on the CPU, in fp32.
    public func rotation(of grid: PatchGrid, headWidth d: Int) -> Rotation {
        require(d % 4 == 0, "rotary positions need heads whose width 4 divides, found \(d)")
        let frequencies = frequencies(headWidth: d)
        let (rows, columns) = (coordinates(grid.rows), coordinates(grid.columns))
        var angles: [Float] = []
        angles.reserveCapacity(grid.count * d / 2)
        for row in rows {
            for column in columns {
                for place in [row, column] {
                    angles += frequencies.map { Float(place * $0) }
                }
            }
        }
        return Rotation(
            angles: Tensor(angles, shape: [grid.count, d / 2]),
            pairing: kind == .dinoV3 ? .halves : .neighbors)
    }

    /// The rotation of tokens at given rows and columns, as they are, in heads of d channels.
    ///
    /// - Parameters:
    ///   - places: `[B, T, 2]`, row and column of each token.
    ///   - d: the channels of a head.
    /// - Returns: a rotation of each sequence, on the device of the places, in fp32.
    package func rotation(at places: Tensor, headWidth d: Int) -> Rotation {
        require(d % 4 == 0, "rotary positions need heads whose width 4 divides, found \(d)")
        let frequencies = Tensor(frequencies(headWidth: d).map(Float.init)).to(places.device)
        // [B, T, 2, 1] by [F]: first the angles of the row, then those of the column.
        let angles = (places.to(dtype: .float32).unsqueezed(-1) * frequencies).flattened(2)
        return Rotation(
            angles: angles.unsqueezed(1), pairing: kind == .dinoV3 ? .halves : .neighbors)
    }

    /// The F = d/4 frequencies, from fast to slow.
    package func frequencies(headWidth d: Int) -> [Double] {
        (0..<d / 4).map { pow(base, -Double($0) / Double(d / 4)) }
    }

    /// What a frequency of 1 is multiplied by, along an axis of `count` patches.
    private func coordinates(_ count: Int) -> [Double] {
        (0..<count).map { index in
            switch kind {
            case .dinoV3:
                return 2 * .pi * (2 * (Double(index) + 0.5) / Double(count) - 1)
            case .eva02:
                return Double(index) * Double(referenceGrid ?? count) / Double(count)
            }
        }
    }
}
