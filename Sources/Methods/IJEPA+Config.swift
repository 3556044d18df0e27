import Configuration
public import Data
public import Imaging
public import Training

extension IJEPA {
    /// Masks, predictor and momentum; the defaults are those of the published ViT-L and ViT-H.
    public struct Config: JointEmbeddingSettings, Hashable {
        public var masks = MultiBlockMask.ijepa
        public var predictorWidth = 384
        public var predictorDepth = 12
        public var predictorHeads: Int? = nil
        public var momentum = [0.996, 1.0]
        public var rescalesInit = false

        public init() {}

        public static var documentation: [String: String] { commonDocumentation }

        public static func setDefaults(of run: inout RunConfiguration<Self>) {
            run.setJointEmbeddingDefaults()
        }

        public static func augmentation(size: PixelSize) -> ImagePipeline {
            .imageJEPA(size: size)
        }

        public func validate() throws { try validateCommon() }
    }
}
