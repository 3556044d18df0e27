import Data
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods

/// A recorded case of DINO or iBOT: its heads, its models and what it hides.
struct RecordedDistillation {
    let item: ParityCase
    let settings: ParityConfig

    init(_ item: ParityCase) throws {
        self.item = item
        settings = try item.config
    }

    private func int(_ key: String, else other: Int) throws -> Int {
        settings.contains(key) ? try settings.int(key) : other
    }

    // MARK: - Heads

    /// The form of the recorded head, by whichever of its names are there.
    func headForm() throws -> HeadForm {
        var form = HeadForm()
        form.depth = try int("nlayers", else: form.depth)
        for key in ["hidden_dim", "hidden", "head_hidden"] {
            form.width = try int(key, else: form.width)
        }
        for key in ["bottleneck_dim", "bottleneck"] {
            form.bottleneck = try int(key, else: form.bottleneck)
        }
        if settings.contains("norm") {
            let name = try settings.string("norm")
            form.norm = try #require(
                ["bn": .batch, "ln": .layer, "none": HeadForm.Norm.none][name])
        }
        if settings.contains("act") {
            form.activation = try #require(.init(rawValue: settings.string("act")))
        }
        if settings.contains("norm_last_layer") {
            form.fixesGain = try settings.bool("norm_last_layer")
        }
        return form
    }

    /// Whether the teacher's patches share the class's prototypes, by the settings or else by the
    /// recorded weights; nil where neither tell.
    func sharesTeacherHead() throws -> Bool? {
        let key = "shared_head_teacher"
        if settings.contains(key) { return try settings.bool(key) }
        let second = try item.names("out/teacher_").last {
            $0.hasSuffix("head.last_layer2.weight_v")
        }
        guard let second else { return nil }
        let first = try item.tensor(second.replacing("last_layer2", with: "last_layer"))
        return try item.tensor(second).isEqual(to: first)
    }

    /// A head with the recorded weights, whose names begin with `prefix`.
    ///
    /// A shared last layer is recorded twice.
    func head(_ width: Int, isShared: Bool, prefix: String = "w/") throws -> ProjectionHead {
        let prototypes = try settings.int("out_dim")
        let head = ProjectionHead(
            width, prototypes: prototypes,
            patchPrototypes: isShared ? nil : try int("patch_out_dim", else: prototypes),
            form: try headForm(), generator: nil)
        try head.load(Self.single(item.tensors(prefix), of: head))
        return head
    }

    /// The weights of a head, without the second records of its shared parts.
    static func single(
        _ weights: [String: Tensor], of head: ProjectionHead, under prefix: String = ""
    ) throws -> [String: Tensor] {
        var weights = weights
        for (again, first) in head.repeatedNames {
            for (name, tensor) in weights where name.hasPrefix(prefix + again) {
                let other = weights[prefix + first + name.dropFirst(prefix.count + again.count)]
                #expect(other?.isEqual(to: tensor) == true, "\(name)")
                weights[name] = nil
            }
        }
        return weights
    }

    // MARK: - Models

    func vit(_ sizes: ParityConfig) throws -> VisionTransformer.Config {
        var config = VisionTransformer.Config.publishedIBOT
        config.patchSize = try sizes.int(sizes.contains("patch") ? "patch" : "p")
        config.imageSize = try wholePatches(in: sizes.int("img"), of: config.patchSize)
        config.width = try sizes.int(sizes.contains("dim") ? "dim" : "d")
        config.depth = try sizes.int("depth")
        config.heads = try sizes.int(sizes.contains("heads") ? "heads" : "h")
        config.dropPath = 0
        return config
    }

    func swin(_ sizes: ParityConfig) throws -> SwinTransformer.Config {
        var config = SwinTransformer.Config.publishedIBOT
        config.patchSize = try sizes.int("patch")
        config.imageSize = try wholePatches(in: sizes.int("img"), of: config.patchSize)
        config.width = try sizes.int("embed")
        config.depths = try sizes.array("depths").map { try $0.int }
        config.heads = try sizes.array("heads").map { try $0.int }
        config.window = try sizes.int("window")
        config.dropPath = 0
        return config
    }

    // MARK: - Recorded draws

    /// Recorded masks `[G, B, rows, columns]`.
    func mask(_ name: String) throws -> DistillationMask {
        let recorded = try item.tensor(name)
        let (views, pictures, rows, columns) = recorded.shape4
        let grid = MaskGrid(rows: rows, columns: columns)
        let bits = recorded.to(dtype: .float32).values(as: Float.self)
        return DistillationMask(
            (0..<views * pictures).map { index in
                PatchMask(
                    grid,
                    hiding: (0..<grid.count).filter { bits[index * grid.count + $0] > 0 })
            }, on: .cpu)
    }
}
