import Configuration
import Data
import Methods
import Training
import VisionModels

/// The only list of what there is; everything else is generic over one entry of it.
enum Registry {
    static let methods: [any PretrainingMethod.Type] = [
        MAE.self, IJEPA.self, StoP.self, IBOT<VisionTransformer.Config>.self,
        IBOT<SwinTransformer.Config>.self, SimMIM<VisionTransformer.Config>.self,
        SimMIM<SwinTransformer.Config>.self, FineTuning<VisionTransformer.Config>.self,
        FineTuning<SwinTransformer.Config>.self,
    ]

    /// Their names in a line.
    static var methodNames: String { methods.map { $0.name }.joined(separator: ", ") }

    /// Those whose authors' own checkpoints are read and written whole.
    static var continuing: [any ContinuingMethod.Type] {
        methods.compactMap { $0 as? any ContinuingMethod.Type }
    }

    /// Masks as `tessera masks preview` names them.
    static let masks: [NamedMask] = [
        NamedMask(name: "mae", title: "MAE: random patches", scheme: NoiseMask.self),
        NamedMask(name: "simmim", title: "SimMIM: random square units", scheme: SimMIMMask.self),
        NamedMask(name: "beit", title: "BEiT: blocks", scheme: BEiTMask.self),
        NamedMask(
            name: "beit2", title: "BEiT v2: blocks, then single patches", scheme: BEiTMask.self,
            differences: "completion: patches"),
        NamedMask(
            name: "cae", title: "CAE: blocks, exactly as many as asked for", scheme: BEiTMask.self,
            differences: "{count: 98, completion: blocks}"),
        NamedMask(name: "ibot", title: "iBOT: blocks, or nothing", scheme: IBOTMask.self),
        NamedMask(
            name: "ijepa", title: "I-JEPA: a context and four targets",
            scheme: MultiBlockMask.self),
        NamedMask(
            name: "stop", title: "StoP: a context and four targets", scheme: MultiBlockMask.self,
            differences: "smallContexts: contextsFirst"),
        NamedMask(
            name: "ijepa-random", title: "I-JEPA's ablation: a random split",
            scheme: RandomSplitMask.self),
        NamedMask(
            name: "mapet", title: "MaPeT: a random order of prediction",
            scheme: PermutationMask.self),
        NamedMask(
            name: "featurenorm", title: "Featurenorm: windows of pictures of any size",
            scheme: WindowMask.self),
    ]

    /// The method of a name.
    static func method(named name: String) throws -> any PretrainingMethod.Type {
        if let found = methods.first(where: { $0.name == name }) { return found }
        let near = nearest(name, in: methods.map { $0.name })
        let hint = near.map { "; did you mean '\($0)'?" } ?? ""
        throw UsageError(
            "there is no method '\(name)'\(hint) Known: \(methodNames); a recipe "
                + "is a path that ends in .yaml")
    }
}
