import Configuration
public import Data
public import Imaging
public import Training
public import VisionModels

extension StoP {
    /// Masks, predictor, momentum and the noise of positions; the defaults are those of the published
    /// ViT-L.
    public struct Config: JointEmbeddingSettings, Hashable {
        public var masks = MultiBlockMask.stop
        public var predictorWidth = 384
        public var predictorDepth = 12
        public var predictorHeads: Int? = nil
        public var momentum = [0.996, 1.0]
        public var rescalesInit = false
        public var positions = Positions.stochastic
        public var noiseStd = 0.25
        public var covariance = Covariance.tied
        public var noisyTokens = NoisyTokens.targets
        public var addsMaskToken = false
        public var targetBlocks = 1
        public var targetOrder = TargetOrder.contextFirst

        public init() {}

        public static var documentation: [String: String] {
            let own: [String: String] = [
                "positions":
                    "stochastic adds noise to sines and cosines; deterministic takes them as "
                    + "they are; learned trains a table instead",
                "noiseStd": "the standard deviation of the noise before it is projected, which the "
                    + "authors call var",
                "covariance":
                    "tied projects the noise as the context is; free by a matrix of its own; "
                    + "identity not at all",
                "noisyTokens": "whose positions are noisy",
                "addsMaskToken": "whether target tokens have I-JEPA's learned token besides; the "
                    + "authors' have not",
                "targetBlocks":
                    "predict the mean of so many last blocks, each through the final norm",
                "targetOrder":
                    "how the targets of several contexts are laid out: contextFirst as the "
                    + "predictions are, or imageFirst as the authors' code has it, which does not "
                    + "match them",
            ]
            return commonDocumentation.merging(own) { $1 }
        }

        public static func setDefaults(of run: inout RunConfiguration<Self>) {
            run.setJointEmbeddingDefaults()
            run.optim.lr = 8e-4
            run.schedule.epochs = 600
            run.schedule.warmupEpochs = 15
            run.schedule.minLr = 1e-4
        }

        public static func augmentation(size: PixelSize) -> ImagePipeline {
            .stochasticPositions(size: size)
        }

        public func validate() throws {
            try validateCommon()
            guard noiseStd >= 0, noiseStd.isFinite else {
                throw ConfigurationError.invalid(
                    "noiseStd", found: noiseStd, expected: "0 or a positive number")
            }
            guard targetBlocks > 0 else {
                throw ConfigurationError.invalid(
                    "targetBlocks", found: targetBlocks, expected: "a positive number")
            }
        }

        public static func validate(_ run: RunConfiguration<Self>) throws {
            guard run.method.targetBlocks <= run.model.depth else {
                throw ConfigurationError.invalid(
                    "method.targetBlocks", found: run.method.targetBlocks,
                    expected: "at most model.depth, \(run.model.depth)")
            }
        }

        public static func warnings(_ run: RunConfiguration<Self>) -> [String] {
            let (method, usual) = (run.method, Self())
            guard method.positions != .stochastic else { return [] }
            let idle = [
                ("noiseStd", method.noiseStd != usual.noiseStd),
                ("covariance", method.covariance != usual.covariance),
                ("noisyTokens", method.noisyTokens != usual.noisyTokens),
            ].filter(\.1).map { "method.\($0.0)" }
            guard !idle.isEmpty else { return [] }
            return [
                "\(idle.joined(separator: ", ")) without effect: method.positions is "
                    + "\(method.positions.rawValue), which has no noise"
            ]
        }
    }

    /// What tells the predictor where a patch is.
    public enum Positions: String, Codable, Sendable, CaseIterable {
        case stochastic
        case deterministic
        case learned
    }

    /// The covariance of a noisy position: σ² A Aᵀ.
    public enum Covariance: String, Codable, Sendable, CaseIterable {
        /// A is the matrix that projects the context.
        case tied
        /// A is trained for the noise alone; it shrinks to zero.
        case free
        /// A is the identity.
        case identity
    }

    /// Whose positions have noise.
    public enum NoisyTokens: String, Codable, Sendable, CaseIterable {
        case targets
        case contexts
        case both
    }

    /// The order of the targets where there are several contexts.
    public enum TargetOrder: String, Codable, Sendable, CaseIterable {
        case contextFirst
        case imageFirst
    }
}
