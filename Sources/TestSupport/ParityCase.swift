import Foundation
import Synchronization
public import TensorFiles
public import Testing
public import Torch

/// A recorded case: settings, weights, inputs with every random choice, results and gradients.
///
/// A test takes everything from the case, so that other cases of the same name pass it too:
///
/// ```swift
/// @Test("patches", arguments: ParityTable.cases("beyondcls", "mae_patchify"))
/// func patches(item: ParityCase) throws {
///     let images = try item.tensor("in/imgs")
///     item.compare("out/patches", patchify(images, patchSize: try item.config.int("patch_size")))
///     item.finish()
/// }
/// ```
public final class ParityCase: Sendable, CustomTestStringConvertible {
    public let family: String
    /// The path inside the family's folder, without `.safetensors`.
    public let name: String
    public let path: String

    let ledger: ParityLedger
    private let opened = Mutex<SafeTensorsFile?>(nil)

    public init(_ name: String, family: String, folder: ParityFolder, ledger: ParityLedger) {
        self.family = family
        self.name = name
        self.ledger = ledger
        path = "\(folder.path)/\(family)/\(name).safetensors"
    }

    /// The cases of a family whose name matches `pattern`, in which `*` stands for any text
    /// without a slash.
    public static func all(
        in family: String, matching pattern: String, folder: ParityFolder = .inUse,
        ledger: ParityLedger = .shared
    ) -> [ParityCase] {
        folder.caseNames(in: family).filter { matches($0, pattern) }
            .map { ParityCase($0, family: family, folder: folder, ledger: ledger) }
    }

    static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return name == pattern }
        guard name.hasPrefix(parts[0]) else { return false }
        var rest = name.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() {
            guard let found = rest.range(of: part), !rest[..<found.lowerBound].contains("/")
            else { return false }
            rest = rest[found.upperBound...]
        }
        guard let last = parts.last, rest.hasSuffix(last) else { return false }
        return !rest.dropLast(last.count).contains("/")
    }

    public var testDescription: String { "\(family)/\(name)" }
}

// MARK: - Contents

extension ParityCase {
    /// The file, mapped once.
    public func file() throws -> SafeTensorsFile {
        try opened.withLock { opened in
            if let file = opened { return file }
            let file = try SafeTensorsFile(path: path)
            opened = file
            ledger.open(self, results: file.names.filter(Self.isResult))
            return file
        }
    }

    /// The recorded settings.
    public var config: ParityConfig {
        get throws {
            guard let text = try file().metadata["config"] else {
                throw ParityError("\(testDescription): the file has no metadata 'config'")
            }
            return try ParityConfig(text: text, place: "\(testDescription): config")
        }
    }

    /// The names of all tensors that start with `prefix`, sorted, with the prefix.
    public func names(_ prefix: String = "") throws -> [String] {
        try file().names.filter { $0.hasPrefix(prefix) }.sorted()
    }

    public func contains(_ name: String) throws -> Bool { try file()[name] != nil }

    /// A copy of a recorded tensor, by its full name: `in/x`.
    public func tensor(_ name: String) throws -> Tensor {
        let record = try file().tensor(name)
        guard let dtype = DType.allCases.first(where: { "\($0)" == record.elementType.torchName })
        else { throw ParityError("\(testDescription): \(name) has type \(record.elementType)") }
        return record.withContiguousBytes { Tensor(bytes: $0, shape: record.shape, dtype: dtype) }
    }

    /// The tensors whose names start with `prefix`, by the rest of the name.
    public func tensors(_ prefix: String) throws -> [String: Tensor] {
        var found: [String: Tensor] = [:]
        for name in try names(prefix) {
            found[String(name.dropFirst(prefix.count))] = try tensor(name)
        }
        return found
    }

    /// The weights by their names in the reference's state dict.
    public var weights: [String: Tensor] { get throws { try tensors("w/") } }

    /// The recorded gradients by the names of their parameters.
    public var gradients: [String: Tensor] { get throws { try tensors("grad/") } }

    /// Results are what a test has to compare; everything else is input.
    static func isResult(_ name: String) -> Bool {
        name.hasPrefix("out/") || name.hasPrefix("grad/")
            || name.hasPrefix("out64/") && !name.hasPrefix("out64/in/")
    }
}

// MARK: - Comparing

extension ParityCase {
    /// Expects `found` to be close to the recorded tensor `name` and notes that it was compared.
    ///
    /// The tensor must have the recorded shape and type. Without a tolerance the one of the
    /// family's README counts (`Tolerance.suggested`).
    public func compare(
        _ name: String, _ found: Tensor, tolerance: Tolerance? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            let expected = try tensor(name)
            let tolerance = try tolerance ?? .suggested(for: name, of: self)
            let isClose = expect(
                found, closeTo: expected, tolerance, "\(testDescription) \(name)",
                sourceLocation: sourceLocation)
            ledger.note(self, compared: name, isClose: isClose)
        } catch {
            fail("\(error)", sourceLocation)
        }
    }

    /// Notes the recorded tensor `name` as compared by `check`, which says what is wrong with what was
    /// found, or nil: for results that two implementations share as a distribution alone.
    public func compare(
        _ name: String, sourceLocation: SourceLocation = #_sourceLocation,
        by check: (Tensor) throws -> String?
    ) {
        do {
            let problem = try check(tensor(name))
            ledger.note(self, compared: name, isClose: problem == nil)
            guard let problem else { return }
            Issue.record(
                Comment(rawValue: "\(testDescription) \(name): \(problem)"),
                sourceLocation: sourceLocation)
        } catch {
            fail("\(error)", sourceLocation)
        }
    }

    /// Compares the gradients that `backward` left in parameters with every recorded one.
    ///
    /// A recorded gradient without a parameter fails, and so does a parameter with a gradient that
    /// was not recorded. Where a parameter got none, the record may be zero.
    public func compareGradients(
        of parameters: [(name: String, tensor: Tensor)], tolerance: Tolerance? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            let recorded = try Set(names("grad/").map { String($0.dropFirst(5)) })
            for (name, parameter) in parameters {
                if recorded.contains(name) {
                    let gradient = parameter.gradient ?? .zeros(like: parameter.detached())
                    compare(
                        "grad/\(name)", gradient, tolerance: tolerance,
                        sourceLocation: sourceLocation)
                } else if parameter.gradient != nil {
                    fail("\(testDescription): no gradient of \(name) is recorded", sourceLocation)
                }
            }
            let known = Set(parameters.map(\.name))
            for name in recorded.subtracting(known).sorted() {
                fail("\(testDescription): no parameter is called \(name)", sourceLocation)
            }
        } catch {
            fail("\(error)", sourceLocation)
        }
    }

    /// States that a recorded result is not applicable to this code base; the reason is printed.
    public func setAside(_ name: String, because reason: String) {
        guard let file = try? file(), file[name] != nil else {
            fail("\(testDescription): \(name) is set aside but not recorded", #_sourceLocation)
            return
        }
        ledger.note(self, setAside: name, because: reason)
    }

    /// Expects every result of the case to have been compared or set aside by now.
    public func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        do {
            _ = try file()
        } catch {
            return fail("\(error)", sourceLocation)
        }
        let left = ledger.uncompared(self)
        guard !left.isEmpty else { return }
        fail(
            "\(testDescription): not compared: \(left.joined(separator: ", "))", sourceLocation)
    }

    private func fail(_ message: String, _ sourceLocation: SourceLocation) {
        ledger.noteFailure(self)
        Issue.record(Comment(rawValue: message), sourceLocation: sourceLocation)
    }
}
