import Foundation
import SwiftProtobuf
import TensorFiles
import Torch
public import VisionModels

/// Encoders as ONNX files, operator set 18, which other programs and devices run.
///
/// The graph takes `images` `[B, C, H, W]` in fp32, normalised as in training, of any batch and size,
/// and gives `tokens` `[B, T, D]` and `feature` `[B, D]`. Everything is in fp32.
///
/// ```swift
/// let written = try ONNXFile.write(model, to: "encoder.onnx")
/// ```
public struct ONNXFile: Sendable {
    public let path: String
    /// The file of the weights beside it; nil where they are in the model's own.
    public let weightsPath: String?
    /// Operators of the graph.
    public let operatorCount: Int
    /// Bytes of all real numbers.
    public let weightBytes: Int

    /// Writes a model; a file of that name is replaced once all is written.
    ///
    /// - Parameters:
    ///   - model: an encoder whose attention does not look at positions.
    ///   - path: of the file; weights of more than 1 GiB go to `<path>.data` beside it, which has to
    ///     stay there.
    ///   - metadata: texts that the file carries, such as the mean and deviation of its pixels.
    /// - Returns: what was written.
    /// - Throws: `ExportError` for other models, `TensorFileError` where a file cannot be written.
    public static func write(
        _ model: VisionTransformer, to path: String, metadata: [String: String] = [:]
    ) throws -> ONNXFile {
        // A protobuf message holds 2 GiB at most.
        try write(model, to: path, metadata: metadata, mostBytes: 1 << 30)
    }

    /// With another bound of the weights in the model's own file, for tests.
    static func write(
        _ model: VisionTransformer, to path: String, metadata: [String: String] = [:],
        mostBytes: Int
    ) throws -> ONNXFile {
        let graph = try VisionTransformerGraph(model)
        let stored = graph.graph.constants
        let bytes = stored.reduce(0) { $0 + $1.byteCount }
        var message = Self.message(graph, metadata)
        let weightsPath = bytes > mostBytes ? path + ".data" : nil
        if let weightsPath {
            let file = try AtomicFile(path: weightsPath)
            let name = URL(fileURLWithPath: weightsPath).lastPathComponent
            var offset = 0
            for constant in stored {
                // Readers ask for the shapes that are among the constants before they open that file.
                guard case .real = constant.contents else {
                    message.graph.constants.append(constant.message)
                    continue
                }
                let contents = constant.bytes
                try contents.withUnsafeBytes { try file.write($0) }
                message.graph.constants.append(
                    constant.message(in: name, at: offset, count: contents.count))
                offset += contents.count
            }
            try file.commit()
        } else {
            message.graph.constants = stored.map(\.message)
        }
        let file = try AtomicFile(path: path)
        let encoded: Data = try message.serializedBytes()
        try encoded.withUnsafeBytes { try file.write($0) }
        try file.commit()
        return ONNXFile(
            path: path, weightsPath: weightsPath, operatorCount: graph.graph.nodes.count,
            weightBytes: bytes)
    }

    private static func message(
        _ graph: VisionTransformerGraph, _ metadata: [String: String]
    ) -> ONNXModel {
        let config = graph.config
        var message = ONNXModel()
        message.formatVersion = 8
        message.producerName = "tessera"
        var operators = ONNXOperatorSet()
        operators.version = 18
        message.operatorSets = [operators]
        message.metadata = metadata.sorted { $0.key < $1.key }.map { entry($0, $1) }
        message.graph.name = "encoder"
        message.graph.nodes = graph.graph.nodes
        let side = graph.takesAnySize ? nil : config.imageSize
        message.graph.inputs = [
            value(
                VisionTransformerGraph.input,
                [.name("batch"), .count(Int64(config.channels))]
                    + (side.map { [.count(Int64($0)), .count(Int64($0))] }
                        ?? [.name("height"), .name("width")]))
        ]
        let width = ONNXDimension.OneOf_Size.count(Int64(config.width))
        message.graph.outputs = [
            value(VisionTransformerGraph.tokens, [.name("batch"), .name("tokens"), width]),
            value(VisionTransformerGraph.feature, [.name("batch"), width]),
        ]
        return message
    }

    private static func value(_ name: String, _ sizes: [ONNXDimension.OneOf_Size]) -> ONNXValueInfo
    {
        var value = ONNXValueInfo()
        value.name = name
        value.type.tensor.elementType = 1
        value.type.tensor.shape.dimensions = sizes.map { size in
            var dimension = ONNXDimension()
            dimension.size = size
            return dimension
        }
        return value
    }
}

private func entry(_ key: String, _ value: String) -> ONNXTextEntry {
    var entry = ONNXTextEntry()
    entry.key = key
    entry.value = value
    return entry
}

extension GraphBuilder.Stored {
    /// Of real numbers.
    var byteCount: Int {
        switch contents {
        case .real: shape.reduce(4, *)
        case .integers: 0
        }
    }

    /// The elements, little-endian, the last dimension fastest.
    var bytes: Data {
        switch contents {
        case .real(let tensor):
            tensor.to(dtype: .float32).contiguous().withUnsafeBytes { Data($0) }
        case .integers(let values):
            values.map { Int64($0).littleEndian }.withUnsafeBytes { Data($0) }
        }
    }

    /// With the elements in it.
    var message: ONNXConstant {
        var constant = head
        constant.contents = bytes
        return constant
    }

    /// With the elements in another file.
    func message(in file: String, at offset: Int, count: Int) -> ONNXConstant {
        var constant = head
        constant.place = .elsewhere
        constant.elsewhere = [
            entry("location", file), entry("offset", "\(offset)"), entry("length", "\(count)"),
        ]
        return constant
    }

    private var head: ONNXConstant {
        var constant = ONNXConstant()
        constant.name = name
        constant.dimensions = shape.map(Int64.init)
        if case .real = contents { constant.elementType = 1 } else { constant.elementType = 7 }
        return constant
    }
}
