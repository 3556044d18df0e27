import NN
import TensorFiles
import Torch

/// A tensor for a model, still in the file, under Tessera's name.
struct MappedTensor: Sendable {
    /// Tessera's name.
    let name: String
    /// The names in the file that it is made of, without the prefix of the set.
    let sources: [String]
    let records: [TensorRecord]
    let form: NameRule.Form
    /// The shape that it has in the model.
    let shape: [Int]

    /// Nil where the shapes of the file do not allow the form.
    init?(_ name: String, _ sources: [String], _ records: [TensorRecord], _ form: NameRule.Form) {
        guard let first = records.first,
            let shape = Self.shape(records.map(\.shape), first.shape, form)
        else { return nil }
        self.name = name
        self.sources = sources
        self.records = records
        self.form = form
        self.shape = shape
    }

    private static func shape(
        _ shapes: [[Int]], _ first: [Int], _ form: NameRule.Form
    ) -> [Int]? {
        switch form {
        case .same: return first
        case .joined(let shares):
            guard shapes.count == shares.count, let rows = first.first, let share = shares.first,
                rows % share == 0
            else { return nil }
            for (shape, share) in zip(shapes, shares) {
                guard shape.dropFirst().elementsEqual(first.dropFirst()),
                    shape.first == rows / (shares.first ?? 1) * share
                else { return nil }
            }
            return [rows / share * shares.reduce(0, +)] + first.dropFirst()
        case .transposed: return first.count == 2 ? first.reversed() : nil
        case .leading(let count): return Array(repeating: 1, count: count) + first
        case .patchKernel(let channels):
            guard first.count == 2, channels > 0, first[1] % channels == 0 else { return nil }
            let side = Int(Double(first[1] / channels).squareRoot().rounded())
            guard side * side * channels == first[1] else { return nil }
            return [first[0], channels, side, side]
        }
    }

    /// A copy in the form of the model, in the type of the file.
    ///
    /// - Throws: `UnsupportedElementType` for a type that libtorch does not compute with.
    func tensor() throws -> Tensor {
        let parts = try records.map { try Tensor($0) }
        switch form {
        case .same: return parts[0]
        case .joined: return concatenated(parts, 0)
        case .transposed: return parts[0].transposed().contiguous()
        case .leading, .patchKernel: return parts[0].reshaped(shape)
        }
    }

    /// The type of the tensors in the file.
    var elementType: ElementType { records[0].elementType }

    /// What was done besides giving it another name, for people; nil where nothing was.
    var formText: String? {
        switch form {
        case .same: nil
        case .joined: "\(sources.count) tensors joined"
        case .transposed: "transposed"
        case .leading, .patchKernel: "seen as \(shape)"
        }
    }
}
