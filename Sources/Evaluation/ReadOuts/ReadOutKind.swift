import NN
import Torch
public import VisionModels

/// The read-outs that can be asked for by name.
public enum ReadOutKind: String, Codable, Sendable, CaseIterable {
    /// The class token.
    case cls
    /// The mean of the patch tokens.
    case mean
    /// Both, side by side.
    case clsAndMean
    /// *Beyond [cls]*: `AbMILP`.
    case abmilp
    /// `EfficientProbing`.
    case ep
    /// `SimPool`.
    case simpool
    /// `SimPool` without projections.
    case esimpool
    /// V-JEPA's `AttentivePooler`.
    case attentive
    /// `AIMPooling`.
    case aim
    /// `CAEPooling`.
    case cae

    var needsClassToken: Bool { self == .cls || self == .clsAndMean }
}

/// What the tokens of an encoder are: `[B, E + N, D]`, E of them before the patches.
public struct TokenForm: Hashable, Sendable {
    /// D.
    public var width: Int
    /// E.
    public var extraTokens: Int
    /// Whether the first of them stands for the whole image.
    public var hasClassToken: Bool
    /// Of the N patches.
    public var grid: PatchGrid

    public init(width: Int, extraTokens: Int, hasClassToken: Bool, grid: PatchGrid) {
        self.width = width
        self.extraTokens = extraTokens
        self.hasClassToken = hasClassToken
        self.grid = grid
    }

    /// Of an encoder's last block, for images of the size that it is made for.
    public init(_ encoder: any VisionEncoder) {
        self.init(
            width: encoder.width, extraTokens: encoder.extraTokens,
            hasClassToken: encoder.hasClassToken,
            grid: encoder.grid(height: encoder.imageSize, width: encoder.imageSize))
    }

    /// E + N.
    public var tokenCount: Int { extraTokens + grid.count }
}

/// A read-out, batch normalisation and a linear classifier, on all tokens of an encoder.
final class ReadOutHead: Module {
    /// As in published checkpoints.
    let head: Sequential
    private let select: (Tensor) -> Tensor

    /// - Parameters:
    ///   - kind: the read-out.
    ///   - form: of the tokens that it is given.
    ///   - config: of the read-outs that have settings.
    ///   - classCount: the outputs.
    ///   - generator: the source of the initial weights.
    /// - Throws: `ConfigurationError` for settings that do not fit the tokens.
    init(
        _ kind: ReadOutKind, on form: TokenForm, _ config: ReadOutSettings, classCount: Int,
        generator: Generator?
    ) throws {
        let extra = form.extraTokens
        let patches: (Tensor) -> Tensor = { $0[0..., extra...] }
        var pooling: (any ReadOut)?
        var width = form.width
        switch kind {
        case .cls: select = { $0[0..., 0] }
        case .mean: select = { patches($0).mean(1) }
        case .clsAndMean:
            width *= 2
            select = { concatenated([$0[0..., 0], patches($0).mean(1)], 1) }
        default:
            let readOut = try config.make(kind, on: form, generator: generator)
            (pooling, width) = (readOut, readOut.width)
            select = kind == .abmilp && config.abmilp.content == .all ? { $0 } : patches
        }
        head = ProbeHead.make(
            width: width, classCount: classCount, pooling: pooling, generator: generator)
    }

    /// `[B, T, D] -> [B, classes]`.
    func callAsFunction(_ tokens: Tensor) -> Tensor { head(select(tokens)) }
}
