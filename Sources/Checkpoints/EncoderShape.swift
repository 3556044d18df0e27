import Configuration
import VisionModels

/// What is known of an encoder before it is made: the shapes of its tensors under Tessera's names,
/// the settings beside the file, and what the user says.
struct EncoderShape: Sendable {
    /// Of the tensors by Tessera's names.
    let shapes: [String: [Int]]
    let settings: ModelSettings?
    /// The number of heads that the user gives.
    let heads: Int?
    let positionResize: PositionResize

    /// The shape of a vision transformer; everything but heads, ε and activation follows from the
    /// tensors.
    ///
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    func visionTransformer() throws -> VisionTransformer.Config {
        var config = try VisionTransformer.Config(
            inferredFrom: shapes, heads: heads ?? settings?.heads ?? headsOfBiases)
        config.positions = .learned
        config.positionResize = positionResize
        if let eps = settings?.normEps { config.normEps = eps }
        return config
    }

    /// The heads that a table of relative position biases shows: it has a column for each.
    var headsOfBiases: Int? {
        shapes.first {
            $0.key.hasSuffix("relative_position_bias_table") && $0.value.count == 2
        }?.value[1]
    }
}

extension EncoderShape {
    /// What the report says of the number of heads where it was assumed.
    func headsNote(_ architecture: EncoderArchitecture) -> String? {
        guard case .visionTransformer(let config) = architecture, heads == nil,
            settings?.heads == nil, headsOfBiases == nil
        else { return nil }
        return "\(config.heads) attention heads are assumed for the width \(config.width): no "
            + "tensor tells them; --heads gives another number"
    }
}
