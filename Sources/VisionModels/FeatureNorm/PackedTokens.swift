import NN
public import Torch

/// Who the tokens of packed sequences are: a sequence holds pictures of any sizes one behind the other,
/// and padding where they do not fill it.
///
/// Dehghani et al., *Patch n' Pack: NaViT, a Vision Transformer for any Aspect Ratio and Resolution*
/// (2023), section 2.1. A token looks at those of its own picture alone. B sequences, T tokens.
public struct PackedTokens {
    /// The picture of each token, int64 `[B, T]`; `padding` for what is of none.
    public let samples: Tensor
    /// The number of a register, `padding` for patches, int64 `[B, T]`; 0 for padding.
    public let registers: Tensor
    /// Row and column of each patch, int64 `[B, T, 2]`; 0 for registers and padding.
    public let places: Tensor
    /// Whether each sequence is one picture without padding, so that every token looks at all.
    let isWhole: Bool

    /// Stands for no picture and for no register.
    public static let padding = -100.0

    /// - Parameter ids: int64 `[B, T, 4]`: picture, register, row, column, as featurenorm packs them.
    public init(ids: Tensor) {
        let columns = ids.unbound(2)
        self.init(
            samples: columns[0], registers: columns[1], places: ids[0..., 0..., 2...],
            isWhole: false)
    }

    /// Whole pictures of one size, each a sequence, with registers before the patches.
    ///
    /// - Parameters:
    ///   - count: B.
    ///   - grid: of the patches, row by row.
    ///   - registers: how many.
    ///   - device: of the tokens.
    init(_ count: Int, on grid: PatchGrid, registers: Int, device: Device) {
        var numbers: [Int] = []
        var places: [Int] = []
        for register in 0..<registers {
            numbers.append(register)
            places += [0, 0]
        }
        for row in 0..<grid.rows {
            for column in 0..<grid.columns {
                numbers.append(Int(Self.padding))
                places += [row, column]
            }
        }
        let length = numbers.count
        self.init(
            samples: .zeros([count, length], dtype: .int64, device: device),
            registers: Tensor(numbers).to(device).unsqueezed(0).expanded([count, -1]),
            places: Tensor(places, shape: [length, 2]).to(device).unsqueezed(0)
                .expanded([count, -1, -1]),
            isWhole: true)
    }

    init(samples: Tensor, registers: Tensor, places: Tensor, isWhole: Bool) {
        (self.samples, self.registers, self.places) = (samples, registers, places)
        self.isWhole = isWhole
    }

    /// Whether each token is of a picture, `[B, T]`; nil where all are.
    var present: Tensor? { isWhole ? nil : .!(samples .== Self.padding) }

    /// What attention is told of the tokens.
    ///
    /// - Parameters:
    ///   - headWidth: the channels of a head.
    ///   - isRotary: whether queries and keys turn by their places.
    /// - Returns: with a bias that keeps pictures apart. Padding looks at padding, so that no row of
    ///   attention is empty.
    func attentionPositions(headWidth: Int, isRotary: Bool) -> AttentionPositions {
        var bias: Tensor?
        if !isWhole {
            let isSame = samples.unsqueezed(2) .== samples.unsqueezed(1)  // [B, T, T]
            let zero = Tensor.zeros([], device: samples.device)
            bias = isSame.select(zero, else: zero - .infinity).unsqueezed(1)
        }
        return AttentionPositions(
            sharedBias: bias,
            rotation: isRotary
                ? RotaryEmbedding(.eva02).rotation(at: places, headWidth: headWidth) : nil)
    }
}
