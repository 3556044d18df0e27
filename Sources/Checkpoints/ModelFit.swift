import Configuration
import NN
import TensorFiles
import Torch
import VisionModels

/// Brings the tensors of a file into a model: finds what each of the model's tensors is made of,
/// and resizes what depends on the size of the picture.
///
/// Nothing is changed before `copy()`.
struct ModelFit {
    private(set) var report: CoverageReport
    private let model: Module
    /// Tensors that go from the file to their place as they are.
    private var records: [String: TensorRecord] = [:]
    /// Those that were joined, resized or brought into another form.
    private var made: [String: Tensor] = [:]

    /// Buffers that follow from the shape of the model: files may hold them, models make them.
    private static let recomputed = [
        "relative_position_index", "attn_mask", "relative_coords_table",
        "num_batches_tracked", "rope_embed.periods",
    ]

    /// Parts of a model that belong to a task, not to the encoder: they may stay as they are.
    private static let tasks = ["head.", "fc_norm."]

    private static let comparedStrays = 100

    static func isRecomputed(_ name: String) -> Bool {
        recomputed.contains { name == $0 || name.hasSuffix("." + $0) }
    }

    /// - Parameters:
    ///   - found: the encoder in the file.
    ///   - mapped: its tensors under Tessera's names.
    ///   - model: the model to be filled.
    ///   - file: the file's path, for messages.
    ///   - keepsTask: whether a head or `fc_norm` of the model without a tensor in the file is
    ///     no loss.
    ///   - fitsPositionsExactly: whether positions are resized without a family's tenth of a patch.
    /// - Throws: where a tensor is of a type that libtorch does not compute with.
    init(
        _ found: FoundEncoder, _ mapped: [MappedTensor], into model: Module, file: String,
        keepsTask: Bool = false, fitsPositionsExactly: Bool = false
    ) throws {
        self.model = model
        let positionResize =
            fitsPositionsExactly
            ? found.family.positionResize.forFineTuning : found.family.positionResize
        report = CoverageReport(
            file: file, family: found.family.name, place: found.set.place, part: found.set.part,
            prefix: found.set.prefix)
        let byName = Dictionary(mapped.map { ($0.name, $0) }) { first, _ in first }
        var used: Set<String> = []
        for (name, target) in model.stateDict where !Self.isRecomputed(name) {
            guard let choice = Self.choose(name, byName) else {
                if keepsTask, Self.tasks.contains(where: name.hasPrefix) {
                    report.computed.append(name)
                } else if Self.isFixedPosition(name, model) {
                    report.computed.append(name)
                } else {
                    report.elementCount += target.count
                    report.missing.append(.init(name: name, shape: target.shape, reason: nil))
                }
                continue
            }
            report.elementCount += target.count
            used.formUnion(choice.used)
            do {
                let type = choice.elementType
                guard DType(type) != nil else {
                    throw Misfit("\(type.torchName), a type that cannot be loaded")
                }
                var resized: String?
                if let record = choice.record, record.shape == target.shape {
                    records[name] = record
                } else {
                    (made[name], resized) = try Self.fit(
                        choice.tensor(), name: name, to: target, of: model,
                        (positionResize, found.family.biasResize))
                }
                report.loaded.append(
                    .init(
                        name: name, sources: choice.sources, elementCount: target.count,
                        dtype: type.torchName,
                        converted: DType(type) == target.dtype ? nil : "\(target.dtype)",
                        form: choice.form, resized: resized))
            } catch let misfit as Misfit {
                report.missing.append(
                    .init(name: name, shape: target.shape, reason: misfit.reason))
            }
        }
        sort(mapped.filter { !used.contains($0.name) }, found, model)
    }

    /// Copies what was found into the model's tensors.
    ///
    /// - Throws: where a tensor cannot be read.
    func copy() throws {
        try model.load(made, strict: false)
        try model.load(records, strict: false)
    }

    /// Copies what was found, if that is all.
    ///
    /// - Throws: `CheckpointError` with the report where it is not and `options` do not allow that.
    func finish(_ options: CheckpointLoader.Options) throws {
        guard report.isComplete || options.allowPartial else {
            throw CheckpointError(
                .incomplete,
                "\(report)\nnot all of the encoder can be loaded; --allow-partial goes on "
                    + "without the rest, which keeps its random initial values",
                report: report)
        }
        try copy()
    }

    /// Why a tensor does not fit.
    private struct Misfit: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }

        init(_ tensor: Tensor) { reason = "the file has shape \(tensor.shape)" }
    }

    /// What one of the model's tensors is made of.
    private struct Choice {
        let sources: [String]
        /// Tessera's names of what is used.
        let used: [String]
        let elementType: ElementType
        let form: String?
        /// The tensor in the file, where it is used as it is.
        let record: TensorRecord?
        let tensor: () throws -> Tensor
    }

    /// Fixed positions of models whose files do not store them.
    private static func isFixedPosition(_ name: String, _ model: Module) -> Bool {
        name == "pos_embed"
            && ModelGeometry.encoder(VisionTransformer.self, in: model)?.config.positions
                == .sinCos
    }

    private static func choose(
        _ name: String, _ mapped: [String: MappedTensor]
    ) -> Choice? {
        func plain(_ tensor: MappedTensor, form: String? = nil) -> Choice {
            Choice(
                sources: tensor.sources, used: [tensor.name], elementType: tensor.elementType,
                form: form ?? tensor.formText,
                record: tensor.form == .same ? tensor.records[0] : nil, tensor: tensor.tensor)
        }
        if let tensor = mapped[name] { return plain(tensor) }
        // q and v alone have a bias in BEiT; of k it would change nothing.
        if name.hasSuffix("attn.qkv.bias") {
            let start = name.dropLast("qkv.bias".count)
            if let q = mapped[start + "q_bias"], let v = mapped[start + "v_bias"],
                q.shape == v.shape
            {
                return Choice(
                    sources: q.sources + v.sources, used: [q.name, v.name],
                    elementType: q.elementType, form: "joined with zeros for k", record: nil
                ) {
                    let (first, last) = (try q.tensor(), try v.tensor())
                    return concatenated([first, .zeros(like: first), last], 0)
                }
            }
        }
        // A table that all blocks share in pre-training, and each block has in fine-tuning.
        if name.hasPrefix("blocks."), name.hasSuffix("attn.relative_position_bias_table"),
            let shared = mapped["rel_pos_bias.relative_position_bias_table"]
        {
            return plain(shared, form: "copied to every block")
        }
        return nil
    }

    /// A tensor in the shape of the model's, with what was done to it.
    private static func fit(
        _ tensor: Tensor, name: String, to target: Tensor, of model: Module,
        _ resize: (positions: PositionResize, biases: RelativeBiasResize)
    ) throws -> (tensor: Tensor, resized: String?) {
        if tensor.shape == target.shape { return (tensor, nil) }
        do {
            if let place = ModelGeometry.positions(name, of: model) {
                // The ResNet's have no dimension for the batch.
                let rows = tensor.shape.count == 2 ? tensor.unsqueezed(0) : tensor
                let fitted = try resize.positions.fitting(
                    rows, to: place.grid, extraTokens: place.extraRows)
                guard fitted.shape.suffix(target.shape.count) == target.shape[...] else {
                    throw Misfit(tensor)
                }
                let from = PatchGrid(squareOf: rows.shape[1] - place.extraRows)
                return (
                    fitted.reshaped(target.shape),
                    "from \(from.map { "\($0)" } ?? "\(tensor.shape)") to \(place.grid) patches by "
                        + resize.positions.rawValue
                )
            }
            if let place = ModelGeometry.biases(name, of: model) {
                let fitted = try resize.biases.fitting(
                    tensor, to: place.window, extraRows: place.extraRows)
                guard fitted.shape == target.shape else { throw Misfit(tensor) }
                let offsets = PatchGrid(squareOf: tensor.shape[0] - place.extraRows)
                return (
                    fitted,
                    "from \(offsets.map { "\($0)" } ?? "\(tensor.shape)") offsets to a window of "
                        + "\(place.window) by \(resize.biases.rawValue)"
                )
            }
        } catch let error as PositionFitError {
            throw Misfit(error.description)
        }
        throw Misfit(tensor)
    }

    /// Divides the tensors that were not used into those that are known to be something else and those
    /// that would be ignored by mistake.
    private mutating func sort(
        _ rest: [MappedTensor], _ found: FoundEncoder, _ model: Module
    ) {
        let others = found.family.others + CheckpointFamily.commonOthers
        var groups: [(meaning: String, names: [String])] = []
        func add(_ name: String, _ meaning: String) {
            if let place = groups.firstIndex(where: { $0.meaning == meaning }) {
                groups[place].names.append(name)
            } else {
                groups.append((meaning, [name]))
            }
        }
        var free = report.missing.map(\.name)
        let poolsWithNorm = report.computed.contains("fc_norm.weight")
        for tensor in rest {
            let name = tensor.sources[0]
            if tensor.shape.contains(0) {
                add(name, "empty")
            } else if Self.isRecomputed(tensor.name) {
                add(name, "follows from the shape of the model")
            } else if poolsWithNorm, tensor.name.hasPrefix("norm.") {
                add(name, "the final norm, in whose place the model has fc_norm")
            } else if let other = others.first(where: {
                name.hasPrefix($0.start) || tensor.name.hasPrefix($0.start)
            }) {
                add(name, other.meaning)
            } else {
                // People read the first few; a name is compared with all that are missing.
                let near =
                    report.strays.count < Self.comparedStrays ? nearest(tensor.name, in: free) : nil
                if let near { free.removeAll { $0 == near } }
                report.strays.append(.init(name: name, shape: tensor.shape, nearest: near))
            }
        }
        for name in found.set.siblings {
            let meaning = others.first { name.hasPrefix($0.start) }?.meaning
            add(name, meaning ?? "outside of the encoder")
        }
        report.unused = groups.map { .init(meaning: $0.meaning, names: $0.names) }
            .sorted { $0.meaning < $1.meaning }
    }

    /// Adds what was assumed.
    mutating func note(_ text: String) {
        report.notes.append(text)
    }
}
