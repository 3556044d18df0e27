import NN
public import VisionModels

/// A program that an encoder is written for.
public enum ExportTarget: String, CaseIterable, Sendable {
    /// timm's names, as safetensors.
    case timm
    /// A folder with `model.safetensors` and `config.json`, as Hugging Face's transformers read it.
    case huggingface
    /// `{"model": …}`, as MAE's code reads it for fine-tuning and probing.
    case mae
    /// `{"state_dict": …}`, as iBOT's evaluations read a backbone.
    case ibot
    /// `classy_state_dict.base_model.model.trunk`, as VISSL's linear evaluation reads it.
    case vissl
    /// `{"target_encoder": …}` with `module.` before the names, the part of I-JEPA's checkpoints that
    /// is evaluated.
    case ijepa
    /// The same with bare names, as StoP's code makes it of a trunk of VISSL.
    case stop
    /// Tessera's own names, as safetensors.
    case safetensors
}

extension ExportTarget {
    /// Whether the target's own files hold the whole state of a run, of which an encoder is a part.
    public var isPartOfRun: Bool { self == .ijepa || self == .stop }

    /// Throws `CheckpointError` where the target has no model of an encoder's form.
    public func require(_ config: VisionTransformer.Config) throws { _ = try family(of: config) }

    /// The family whose names an encoder gets.
    ///
    /// - Throws: `CheckpointError` where the target has no model of this form.
    func family(of config: VisionTransformer.Config) throws -> CheckpointFamily {
        func refuse(_ reason: String) -> CheckpointError {
            CheckpointError(
                .noModel, "\(rawValue) has no model with \(reason): `--to safetensors` writes any")
        }
        guard config.stem == nil else {
            throw CheckpointError(
                .noModel,
                "\(rawValue): a file with a stem of convolutions (model.stem) does not hold their strides "
                    + "and could not be read back; evaluations take the run itself")
        }
        switch self {
        case .safetensors: return .timm
        case .timm: return try timm(config, refuse)
        case .mae, .ibot, .vissl:
            if let feature = config.beyondFirstTransformers { throw refuse(feature) }
            if self != .vissl, !config.classToken { throw refuse("patches alone") }
            if self == .mae, config.layerScale != nil { throw refuse("LayerScale") }
            return self == .mae ? .mae : self == .ibot ? .iBOT : .vissl
        case .ijepa, .stop:
            if let feature = config.beyondIJEPA { throw refuse(feature) }
            // StoP's files are told by the place of their optimiser: an encoder alone is of both.
            return .iJEPA
        case .huggingface: return try huggingFace(config, refuse)
        }
    }

    private func timm(
        _ config: VisionTransformer.Config, _ refuse: (String) -> CheckpointError
    ) throws -> CheckpointFamily {
        let isLater = config.rotary != nil || config.relativePositions != .none
        if isLater, config.qkvBias == .all { throw refuse("a bias of k in such attention") }
        switch config.rotary {
        case .dinoV3:
            if config.registers == 0 { throw refuse("DINOv3's positions and no registers") }
            return .dinoV3Timm
        // The larger ones, which alone have this norm, keep q, k and v apart.
        case .eva02: return config.mlpNorm ? .eva02 : .eva
        case nil: break
        }
        if config.relativePositions != .none { return .beit }
        return config.qkvBias == .queryAndValue ? .eva : .timm
    }

    private func huggingFace(
        _ config: VisionTransformer.Config, _ refuse: (String) -> CheckpointError
    ) throws -> CheckpointFamily {
        if config.rotary == .eva02 { throw refuse("EVA's rotary positions") }
        if config.queryKeyNorm || config.attentionNorm || config.mlpNorm {
            throw refuse("norms of queries and keys, or inside of attention or the MLP")
        }
        if config.rotary == nil,
            config.relativePositions != .none || config.qkvBias == .queryAndValue
        {
            if config.qkvBias == .all { throw refuse("a bias of k in BEiT's attention") }
            if config.registers > 0 || config.distillationToken { throw refuse("BEiT's registers") }
            return .huggingFaceBEiT
        }
        guard config.finalNorm == .tokens else {
            throw refuse("a norm of the mean, or none, in the place of one of the tokens")
        }
        if config.rotary == .dinoV3 { return .huggingFaceDINOv3 }
        if config.preNorm { return .huggingFaceCLIP }
        if config.layerScale != nil, config.classToken, !config.distillationToken {
            return .huggingFaceDINOv2
        }
        if config.registers > 0 || config.layerScale != nil {
            throw refuse("registers or LayerScale in this form")
        }
        return config.classToken ? .huggingFaceViT : .huggingFaceIJEPA
    }

    /// The tokens that have a row of the position embedding in models of the target.
    func positioned(
        _ config: VisionTransformer.Config
    ) -> VisionTransformer.Config.PositionedTokens {
        switch self {
        case .safetensors: config.positionedTokens
        // All or none of them, and of a single one both say the same.
        case .timm:
            config.positionedTokens == .classAndPatches && config.extraTokens > 1
                ? .patches : config.positionedTokens
        case .mae, .ibot, .vissl, .ijepa, .stop: .all
        case .huggingface: config.registers > 0 ? .classAndPatches : .all
        }
    }

    /// Settings of an encoder that the target's files do not hold, for people: the other program has to
    /// be told.
    public func untold(_ config: VisionTransformer.Config) -> [String] {
        guard self != .huggingface else { return [] }
        var facts = ["\(config.heads) heads", "ε \(config.normEps) of the norms"]
        if config.mlp == .quickGELU { facts.append("QuickGELU") }
        if let rotary = config.rotary {
            facts.append("rotary positions \(rotary.rawValue)")
            if let base = config.rotaryBase { facts.append("their base \(base)") }
        }
        return facts
    }
}

extension VisionTransformer.Config {
    /// What of the model the encoders of I-JEPA and StoP do not have; nil for nothing.
    fileprivate var beyondIJEPA: String? {
        if classToken { return "a class token" }
        if layerScale != nil { return "LayerScale" }
        if positions == .none { return "no embedding of positions" }
        if !patchBias { return "a patch embedding without bias" }
        if finalNorm != .tokens {
            return "a norm of the mean, or none, in the place of one of the tokens"
        }
        return beyondFirstTransformers
    }

    /// What of the model the first vision transformers did not have; nil for nothing.
    fileprivate var beyondFirstTransformers: String? {
        if registers > 0 || distillationToken { return "more than one token before the patches" }
        if relativePositions != .none { return "relative positions" }
        if rotary != nil { return "rotary positions" }
        if preNorm { return "a norm before the blocks" }
        if queryKeyNorm || attentionNorm { return "norms inside of attention" }
        if qkvBias != .all { return "other biases of queries, keys and values" }
        if mlp != .gelu { return "the network \(mlp.rawValue)" }
        return nil
    }
}
