public import Checkpoints
import NN
import TensorFiles
import Torch

extension ProjectionHead {
    /// The head beside an encoder in a file of DINO's or iBOT's code.
    ///
    /// Its form follows from names and shapes; GELU, which all published models have, is assumed. Only the
    /// prototypes of the class token are loaded.
    ///
    /// - Parameter report: of the encoder.
    /// - Returns: the head in evaluation mode; nil where the file has none of the encoder.
    /// - Throws: `TensorFileError` for a file that cannot be read, `LoadError` for a head that is not
    ///   whole.
    public static func load(beside report: CoverageReport) throws -> ProjectionHead? {
        let source = try CheckpointSource(path: report.file)
        let stem =
            report.prefix.hasSuffix("backbone.")
            ? String(report.prefix.dropLast("backbone.".count)) : report.prefix
        var tensors: [String: TensorRecord] = [:]
        for part in source.parts where part.name == report.part {
            for (name, tensor) in part.tensors where name.hasPrefix(stem + "head.") {
                tensors[ourName(String(name.dropFirst(stem.count + "head.".count)))] = tensor
            }
        }
        guard let shape = HeadShape(tensors.mapValues(\.shape)) else { return nil }
        let head = Init.leavingOut {
            ProjectionHead(
                shape.width, prototypes: shape.prototypes, patchPrototypes: nil, form: shape.form,
                generator: nil)
        }
        let known = Set(head.stateDict.map(\.name))
        try head.load(tensors.filter { known.contains($0.key) }, from: report.file)
        head.evaluate()
        return head
    }

    /// Later versions of PyTorch name the parts of a weight-normalised layer otherwise.
    private static func ourName(_ name: String) -> String {
        name.replacing(".parametrizations.weight.original0", with: ".weight_g")
            .replacing(".parametrizations.weight.original1", with: ".weight_v")
    }
}

/// The form of a head by the names and shapes of its tensors.
private struct HeadShape {
    let width: Int
    let prototypes: Int
    var form = HeadForm()

    /// Nil where they are not those of such a head.
    init?(_ shapes: [String: [Int]]) {
        let numbered = shapes.filter {
            $0.key.hasPrefix("mlp.") && $0.key.hasSuffix(".weight") && $0.value.count == 2
        }
        .compactMap { name, shape in
            Int(name.dropFirst("mlp.".count).dropLast(".weight".count)).map { ($0, shape) }
        }
        .sorted { $0.0 < $1.0 }.map(\.1)
        let single = shapes["mlp.weight"].map { [$0] } ?? []
        let layers = numbered.isEmpty ? single.filter { $0.count == 2 } : numbered
        guard let first = layers.first, let last = layers.last else { return nil }
        width = first[1]
        form.depth = layers.count
        if layers.count > 1 { form.width = first[0] }
        if shapes["mlp.1.running_mean"] != nil {
            form.norm = .batch
        } else if shapes["mlp.1.weight"]?.count == 1 {
            form.norm = .layer
        }
        if let vectors = shapes["last_layer.weight_v"], vectors.count == 2 {
            (prototypes, form.bottleneck) = (vectors[0], vectors[1])
        } else {
            (prototypes, form.bottleneck) = (last[0], 0)
        }
        // A single linear layer without prototypes behind it is a classifier.
        guard form.depth > 1 || form.bottleneck > 0 else { return nil }
    }
}
