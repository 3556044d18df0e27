public import Torch

/// How a set of named tensors fitted a module.
public struct LoadReport: Sendable, CustomStringConvertible {
    /// Names that the module has and the set has not.
    public let missing: [String]

    /// Names that the set has and the module has not.
    public let unexpected: [String]

    /// Names with different shapes: the module's and the set's.
    public let mismatched: [Mismatch]

    /// How many tensors were loaded.
    public let loadedCount: Int

    /// A tensor that has another shape than the module's.
    public struct Mismatch: Sendable {
        public let name: String
        public let expected: [Int]
        public let found: [Int]
    }

    /// Whether every tensor of the module was given, in its shape, and nothing else.
    public var isComplete: Bool { missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty }

    public var description: String {
        var lines = ["\(loadedCount) tensors loaded"]
        func list(_ title: String, _ names: [String]) {
            guard !names.isEmpty else { return }
            let shown = names.prefix(8).joined(separator: ", ")
            lines.append("\(names.count) \(title): \(shown)\(names.count > 8 ? ", …" : "")")
        }
        list("missing", missing)
        list("unexpected", unexpected)
        list(
            "of another shape",
            mismatched.map { "\($0.name) has shape \($0.found), the model needs \($0.expected)" })
        return lines.joined(separator: "; ")
    }
}

/// A set of tensors does not fit a module.
public struct LoadError: Error, CustomStringConvertible, Sendable {
    public let report: LoadReport

    /// The file that the tensors are from, where they are from one.
    public var file: String?

    public var description: String {
        "\(file ?? "the checkpoint") does not fit the model: \(report)"
    }
}

extension Module {
    /// The tensors that are saved, by name, in checkpoint order: the module's own, not copies.
    public var stateDict: [(name: String, tensor: Tensor)] {
        state().filter { $0.role != .constant }.map { ($0.name, $0.tensor) }
    }

    /// Copies named tensors into the module's own, which stay the same objects.
    ///
    /// - Parameters:
    ///   - tensors: by checkpoint name; types and devices are converted.
    ///   - strict: whether anything missing, unexpected or misshapen is an error. Otherwise what
    ///     fits is loaded and the report tells the rest.
    /// - Returns: what was loaded and what was not.
    /// - Throws: `LoadError` in strict mode, before anything is changed.
    @discardableResult
    public func load(_ tensors: [String: Tensor], strict: Bool = true) throws -> LoadReport {
        let (report, fitting) = try fit(tensors, strict: strict) { $0.shape }
        noGrad { for (target, source) in fitting { target.copyInPlace(source) } }
        return report
    }

    /// Finds the module's tensor for each that is given, by name and shape.
    func fit<Source>(
        _ tensors: [String: Source], strict: Bool, shape: (Source) -> [Int]
    ) throws -> (report: LoadReport, fitting: [(target: Tensor, source: Source)]) {
        let own = stateDict
        let names = Set(own.map(\.name))
        var fitting: [(target: Tensor, source: Source)] = []
        var missing: [String] = []
        var mismatched: [LoadReport.Mismatch] = []
        for (name, target) in own {
            guard let source = tensors[name] else {
                missing.append(name)
                continue
            }
            guard shape(source) == target.shape else {
                mismatched.append(
                    .init(name: name, expected: target.shape, found: shape(source)))
                continue
            }
            fitting.append((target, source))
        }
        let report = LoadReport(
            missing: missing, unexpected: tensors.keys.filter { !names.contains($0) }.sorted(),
            mismatched: mismatched, loadedCount: fitting.count)
        if strict && !report.isComplete { throw LoadError(report: report) }
        return (report, fitting)
    }

    /// `load`, strictly, of tensors that were read from `file`, which an error names.
    public func load(_ tensors: [String: Tensor], from file: String) throws {
        do {
            try load(tensors)
        } catch var error as LoadError {
            error.file = file
            throw error
        }
    }
}
