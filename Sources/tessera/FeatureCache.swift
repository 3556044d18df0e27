import Data
import Evaluation
import Foundation
import NN
import TensorFiles
import Torch

/// A folder of features that were extracted before, for the next protocol or another penalty.
///
/// A file belongs to weights, pictures and settings: with any of them changed it is not found. Probes
/// that are being trained lie beside them.
struct FeatureCache {
    private let folder: String

    /// Makes the folder where there is none.
    init(_ folder: String) throws {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw UsageError(
                "--cache is '\(folder)', where no folder can be made: \(error.localizedDescription)"
            )
        }
    }

    /// The file of an identity; which it is of stands inside.
    func path(of identity: FeatureIdentity) throws -> String {
        path("features", try Self.text(identity))
    }

    private func path(_ kind: String, _ identity: String) -> String {
        var sum = Checksum()
        Array(identity.utf8).withUnsafeBytes { sum.update($0) }
        return "\(folder)/\(kind)-\(sum.hexadecimal).safetensors"
    }

    /// Where a probe on such features is kept while it is trained.
    ///
    /// - Parameters:
    ///   - features: of the training pictures.
    ///   - training: everything else that decides what it learns.
    ///   - note: is told when one goes on.
    /// - Returns: the place, whether there is a probe or not.
    /// - Throws: what encoding an identity throws.
    func probeStore(
        _ features: FeatureIdentity, training: String, note: @escaping (String) -> Void
    ) throws -> ProbeStore {
        let identity = try Self.text(features) + training
        return ProbeStore(path: path("probe", identity), identity: identity, note: note)
    }

    /// What was kept of an identity, or nil.
    ///
    /// - Throws: `UsageError` for a file that is no longer what was written.
    func read(_ identity: FeatureIdentity, of source: any ImageSource, on device: Device) throws
        -> Features?
    {
        let path = try path(of: identity)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try SafeTensorsFile(path: path)
        // Another identity with the same checksum is written over.
        guard file.metadata[Self.key] == (try Self.text(identity)) else { return nil }
        let values = try Tensor(file.tensor("features"))
        let labels = try Tensor(file.tensor("labels"))
        guard values.shape == [identity.rowCount, identity.width], values.dtype == .float32,
            labels.shape == [identity.rowCount], labels.dtype == .int64
        else {
            throw UsageError("\(path) does not hold the features that it names; delete it")
        }
        return Features(
            values: values.to(device), labels: labels.values(),
            classNames: source.classNames)
    }

    func write(_ features: Features, _ identity: FeatureIdentity) throws {
        try SafeTensorsWriter.write(
            [
                ("features", features.values),
                ("labels", Tensor(features.labels, shape: [features.count])),
            ],
            to: path(of: identity), metadata: [Self.key: Self.text(identity)])
    }

    private static let key = "tessera.features"

    private static func text(_ identity: FeatureIdentity) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(identity), as: UTF8.self)
    }
}
