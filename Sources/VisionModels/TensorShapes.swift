import Configuration

/// The shapes of named tensors, from which the form of a model is told.
package struct TensorShapes {
    private let shapes: [String: [Int]]
    /// What the tensors belong to, for errors: `a vision transformer`.
    private let model: String

    package init(_ shapes: [String: [Int]], of model: String) {
        (self.shapes, self.model) = (shapes, model)
    }

    /// For errors: what there is.
    package var contents: String {
        "the file holds \(shapes.keys.sorted().prefix(4).joined(separator: ", ")), …"
    }

    package func has(_ name: String) -> Bool { shapes[name] != nil }

    package func has(suffix: String) -> Bool { shapes.keys.contains { $0.hasSuffix(suffix) } }

    /// The shape of a tensor that must be there; throws `ConfigurationError` with its name.
    package func shape(_ name: String, rank: Int) throws -> [Int] {
        guard let shape = shapes[name] else {
            throw ConfigurationError.invalid(
                name, found: "missing", expected: "a tensor of \(model)", advice: contents)
        }
        guard shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
            throw ConfigurationError.invalid(
                name, found: "\(shape)", expected: "\(rank) dimensions")
        }
        return shape
    }

    /// How many tensors are called so, the number that `name` is given counted from 0.
    package func count(_ name: (Int) -> String) -> Int {
        var count = 0
        while has(name(count)) { count += 1 }
        return count
    }
}
