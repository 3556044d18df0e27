import Configuration
public import Data
public import Imaging
public import Training
import VisionModels

extension SimMIM {
    /// The mask; the defaults are those of all published models.
    public struct Config: MethodConfiguration, Hashable {
        public typealias Model = Shape

        public var masks = SimMIMMask()
        /// The published code means to spare Swin's tables of relative positions from weight decay, but
        /// looks for a name that they do not have.
        public var decaysBiasTables = true

        public init() {}

        public static var documentation: [String: String] {
            [
                "masks": "what is hidden",
                "decaysBiasTables": "whether tables of relative positions decay; the published "
                    + "code has them decay, against its intention with Swin",
            ]
        }

        public static func setDefaults(of run: inout RunConfiguration<Self>) {
            run.model = Shape.publishedSimMIM
            run.data.batchSize = 2048
            // 1e-4 for 512 pictures a step.
            run.optim.baseLr = 5e-5
            run.optim.betas = [0.9, 0.999]
            run.optim.clip = 5
            run.optim.clipsParts = true
            run.schedule.epochs = 800
            run.schedule.warmupEpochs = 10
            run.schedule.startLr = 2e-6
            var lagged = LaggedSettings()
            (lagged.shape, lagged.milestones) = (.multistep, [700])
            run.schedule.lagged = lagged
        }

        public static func augmentation(size: PixelSize) -> ImagePipeline { .simMIM(size: size) }

        /// What only holds together with an encoder.
        func validate(for encoder: Shape) throws {
            try encoder.validate()
            try encoder.validateSimMIM()
            guard encoder.imageSize % encoder.cellSize == 0 else {
                throw ConfigurationError.invalid(
                    "model.imageSize", found: encoder.imageSize,
                    expected: "a multiple of \(encoder.cellSize), the pixels that a token of the "
                        + "last block predicts")
            }
            let side = encoder.imageSize / encoder.patchSize
            try masks.validate(
                on: MaskGrid(rows: side, columns: side, patchSize: encoder.patchSize))
        }
    }
}
