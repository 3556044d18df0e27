public import Foundation
public import NN
public import Optimizers
public import TensorFiles
public import Torch

/// What a run needs to continue as if it had never stopped, in one safetensors file.
///
/// `model.` tensors, the optimiser's as `optim.`, those of a loss scaler as `scaler.`, the state of the
/// generator; the header's metadata hold the step. Order and augmentation of the pictures need no state: they are functions of seed
/// and step.
public struct TrainingState {
    /// Optimiser steps done.
    public var step: Int
    private let tensors: [(name: String, tensor: Tensor)]

    static let modelPrefix = "model."
    static let optimizerPrefix = "optim."
    static let scalerPrefix = "scaler."
    static let generatorName = "generator"
    static let formatKey = "tessera.format"
    static let format = "run-1"

    /// What of a run changes from step to step.
    ///
    /// The tensors are the run's own: write the state before the next step.
    public init(
        step: Int, model: Module, optimizer: any Optimizer, scaler: LossScaler?,
        generator: Generator
    ) {
        self.step = step
        var tensors: [(name: String, tensor: Tensor)] = []
        for (name, tensor) in model.stateDict { tensors.append((Self.modelPrefix + name, tensor)) }
        for (name, tensor) in optimizer.stateTensors() {
            tensors.append((Self.optimizerPrefix + name, tensor))
        }
        for (name, tensor) in scaler?.stateTensors() ?? [] {
            tensors.append((Self.scalerPrefix + name, tensor))
        }
        tensors.append((Self.generatorName, generator.state))
        self.tensors = tensors
    }

    /// The weights alone, from which no run goes on.
    public init(step: Int, weightsOf model: Module) {
        self.step = step
        tensors = model.stateDict.map { (Self.modelPrefix + $0.name, $0.tensor) }
    }

    /// Writes the state; the file appears whole or not at all.
    ///
    /// - Throws: `TensorFileError`, for a full disk for instance; older files are intact.
    public func write(to url: URL, metadata: [String: String]) throws {
        var metadata = metadata
        metadata[Self.formatKey] = Self.format
        metadata["step"] = "\(step)"
        try SafeTensorsWriter.write(tensors, to: url.path, metadata: metadata)
    }

    /// Copies a file's state into model, optimiser, loss scaler and generator.
    ///
    /// - Returns: the number of steps done.
    /// - Throws: `TensorFileError` or `LoadError` where the file is damaged or of another run,
    ///   `RunFolderError` where it is of another form.
    public static func restore(
        from url: URL, model: Module, optimizer: any Optimizer, scaler: LossScaler?,
        generator: Generator
    ) throws -> Int {
        let file = try SafeTensorsFile(path: url.path)
        guard let step = file.metadata["step"].flatMap(Int.init) else {
            throw RunFolderError("\(url.path) is no checkpoint of a run: its step is missing")
        }
        let form = file.metadata[formatKey] ?? "none"
        guard form == format else {
            throw RunFolderError(
                "\(url.path) is of the form '\(form)', expected '\(format)': the run goes on with the "
                    + "version of Tessera that wrote it")
        }
        try model.load(tensors(in: file, under: modelPrefix), from: url.path)
        try optimizer.load(tensors(in: file, under: optimizerPrefix))
        try scaler?.load(tensors(in: file, under: scalerPrefix))
        generator.state = try Tensor(file.tensor(generatorName))
        return step
    }

    /// The model's tensors of a run's checkpoint, by their names in the model.
    public static func model(in file: SafeTensorsFile) throws -> [String: Tensor] {
        try tensors(in: file, under: modelPrefix)
    }

    private static func tensors(
        in file: SafeTensorsFile, under prefix: String
    ) throws -> [String: Tensor] {
        var found: [String: Tensor] = [:]
        for name in file.names where name.hasPrefix(prefix) {
            found[String(name.dropFirst(prefix.count))] = try Tensor(file.tensor(name))
        }
        return found
    }
}
