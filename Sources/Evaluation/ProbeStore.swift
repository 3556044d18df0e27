import Foundation
import NN
import Optimizers
import TensorFiles
import Torch

/// Where a probe that is trained for hours keeps what it has learned, so that it can be stopped.
///
/// After an epoch a file takes all of its tensors, as often as writing costs little of the time, and what
/// they belong to: encoder, pictures and settings. Gone on with, the probe ends at the same bits; then the
/// file goes.
public final class ProbeStore {
    private let path: String
    private let identity: String
    private let share: Double
    private let note: (String) -> Void
    /// When the last write was done, and how long it took in seconds.
    private var saved = (at: Date(), took: 0.0)

    /// - Parameters:
    ///   - path: of the file; its folder exists.
    ///   - identity: everything that decides what a probe learns. A file of another one is written over.
    ///   - share: of the time, that writing may take.
    ///   - note: is told when a probe goes on, and where.
    public init(
        path: String, identity: String, share: Double = 0.05,
        note: @escaping (String) -> Void = { _ in }
    ) {
        (self.path, self.identity, self.share) = (path, identity, share)
        self.note = note
    }

    private enum Key {
        static let identity = "tessera.probe"
        static let epochs = "epochs"
    }

    /// Gives a probe what was kept of it.
    ///
    /// - Returns: the epochs that it has been trained for, 0 where nothing was kept.
    /// - Throws: `EvaluationError` for a file that does not hold what it names.
    func restore(_ probe: some StoredProbe) throws -> Int {
        guard FileManager.default.fileExists(atPath: path) else { return 0 }
        do {
            let file = try SafeTensorsFile(path: path)
            guard file.metadata[Key.identity] == identity else { return 0 }
            let tensors = try file.names.map { ($0, try Tensor(file.tensor($0))) }
            try probe.load(StoredTensors(Dictionary(uniqueKeysWithValues: tensors)))
            guard let epochs = file.metadata[Key.epochs].flatMap(Int.init), epochs > 0 else {
                throw EvaluationError("it does not say after how many epochs")
            }
            note("going on after epoch \(epochs), kept in \(path)")
            return epochs
        } catch {
            throw EvaluationError(
                "\(path) does not hold the probe that it names (\(error)); delete it to start anew")
        }
    }

    /// Keeps a probe that has been trained for so many epochs, unless one was kept just now.
    func save(_ probe: some StoredProbe, epochs: Int) throws {
        let start = Date()
        guard saved.took <= start.timeIntervalSince(saved.at) * share else { return }
        try SafeTensorsWriter.write(
            probe.stored.map { ($0.name, $0.tensor.detached()) }, to: path,
            metadata: [Key.identity: identity, Key.epochs: "\(epochs)"])
        saved = (Date(), Date().timeIntervalSince(start))
    }

    /// Lets go of a probe that is done.
    func finish() { try? FileManager.default.removeItem(atPath: path) }
}

/// A probe that is all in its tensors, once an epoch is over.
protocol StoredProbe {
    var stored: [(name: String, tensor: Tensor)] { get }

    /// Copies what `stored` gave.
    func load(_ tensors: StoredTensors) throws
}

/// Tensors of a file, by name.
struct StoredTensors {
    private let all: [String: Tensor]

    init(_ all: [String: Tensor]) { self.all = all }

    /// Those whose names begin with a prefix, without it.
    func under(_ prefix: String) -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: all.filter { $0.key.hasPrefix(prefix) }
                .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    }

    /// Copies a tensor over one of the same shape.
    func copy(_ name: String, to target: Tensor) throws {
        guard let found = all[name], found.shape == target.shape else {
            throw EvaluationError(
                "\(name) is \(all[name].map { "\($0.shape)" } ?? "missing"), expected \(target.shape)"
            )
        }
        noGrad { target.copyInPlace(found) }
    }

    /// Whether there is a tensor without numbers.
    func isEmpty(_ name: String) throws -> Bool {
        guard let found = all[name] else { throw EvaluationError("\(name) is missing") }
        return found.count == 0
    }

    /// The numbers of a tensor, so many.
    func values<Element: TensorElement>(
        _ name: String, count: Int, as _: Element.Type = Element.self
    ) throws -> [Element] {
        guard let found = all[name], found.count == count, found.dtype == Element.dtype else {
            throw EvaluationError("\(name) is missing or not \(count) numbers")
        }
        return found.values(as: Element.self)
    }
}

/// Heads and what their optimiser remembers.
struct StoredHeads: StoredProbe {
    let heads: [Module]
    let optimizer: any Optimizer

    var stored: [(name: String, tensor: Tensor)] {
        heads.enumerated().flatMap { index, head in
            head.stateDict.map { ("head.\(index).\($0.name)", $0.tensor) }
        } + optimizer.stateTensors().map { ("optim.\($0.name)", $0.tensor) }
    }

    func load(_ tensors: StoredTensors) throws {
        for (index, head) in heads.enumerated() { try head.load(tensors.under("head.\(index).")) }
        try optimizer.load(tensors.under("optim."))
    }
}
