import Foundation
import NN
import SwiftProtobuf
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import ONNXExport

/// Written models against onnxruntime, which `scripts/onnx-runtime` installs into the cache.
@Suite("ONNX files") struct ONNXFileTests {
    private typealias Config = VisionTransformer.Config

    /// The forms of a vision transformer, each a small model.
    static let forms: [(name: String, change: @Sendable (inout VisionTransformer.Config) -> Void)] =
        [
            ("MAE", { $0.positions = .sinCos }),
            ("sin-cos at any size", { $0.positionResize = .sinCos }),
            ("iBOT", { ($0.positions, $0.positionResize) = (.learned, .bicubicOffset) }),
            (
                "I-JEPA",
                {
                    ($0.positions, $0.positionResize) = (.learned, .bicubic)
                    $0.classToken = false
                }
            ),
            (
                "registers, LayerScale, swiGLU",
                {
                    ($0.positions, $0.positionedTokens) = (.learned, .classAndPatches)
                    ($0.registers, $0.layerScale, $0.mlp) = (3, 0.1, .swiGLU)
                }
            ),
            (
                "CLIP",
                {
                    ($0.positions, $0.mlp, $0.preNorm) = (.learned, .quickGELU, true)
                    $0.patchBias = false
                }
            ),
            (
                "norms everywhere, mean pooling",
                {
                    ($0.queryKeyNorm, $0.attentionNorm, $0.qkvBias) = (true, true, .queryAndValue)
                    ($0.pooling, $0.finalNorm, $0.distillationToken) = (.mean, .pooled, true)
                }
            ),
            (
                "DINOv3",
                {
                    ($0.positions, $0.rotary, $0.registers) = (.none, .dinoV3, 4)
                    $0.layerScale = 0.1
                }
            ),
            (
                "EVA-02",
                {
                    ($0.positions, $0.rotary, $0.rotaryGrid) = (.learned, .eva02, 16)
                    ($0.qkvBias, $0.mlp, $0.mlpNorm) = (.queryAndValue, .swiGLU, true)
                }
            ),
            (
                "rotary positions without other tokens or a grid of reference",
                { ($0.positions, $0.rotary, $0.classToken) = (.none, .eva02, false) }
            ),
            (
                "BEiT",
                {
                    ($0.positions, $0.relativePositions) = (.none, .perBlock)
                    ($0.qkvBias, $0.layerScale) = (.queryAndValue, 0.1)
                    ($0.pooling, $0.finalNorm) = (.mean, .pooled)
                }
            ),
            (
                "BEiT in pre-training",
                { ($0.positions, $0.relativePositions) = (.learned, .shared) }
            ),
        ]

    private func model(_ form: Int) throws -> VisionTransformer {
        var config = Config()
        (config.imageSize, config.patchSize, config.width) = (16, 4, 24)
        (config.depth, config.heads) = (2, 3)
        Self.forms[form].change(&config)
        let generator = Generator(seed: UInt64(form))
        let model = try VisionTransformer(config, generator: generator)
        // Norms, gains and biases that do something.
        noGrad {
            for parameter in model.parameters {
                parameter.copyInPlace(
                    parameter + Tensor.normal(parameter.shape, generator: generator) * 0.2)
            }
        }
        model.evaluate()
        return model
    }

    @Test("onnxruntime gives the same for any batch, height and width", arguments: forms.indices)
    func equality(form: Int) throws {
        let python = try ONNXRuntime.find()
        let folder = try TemporaryFolder()
        let model = try model(form)
        let path = folder.file("model.onnx")
        let file = try ONNXFile.write(model, to: path, metadata: ["mean": "0.5"])
        #expect(file.weightsPath == nil && file.operatorCount > 20)

        var case_: [(name: String, tensor: Tensor)] = []
        let isFixed = model.config.relativePositions != .none
        let sizes =
            isFixed
            ? [(2, 16, 16), (1, 16, 16)]
            : [(2, 16, 16), (1, 8, 20), (3, 30, 17), (1, 18, 16)]
        for (number, (batch, height, width)) in sizes.enumerated() {
            let images = Tensor.normal([batch, 3, height, width], generator: Generator(seed: 9))
            case_.append(("in/\(number)", images))
            noGrad {
                let tokens = model.final(model.lastBlocks(images, count: 1)[0])
                case_.append(("out/\(number)/tokens", tokens))
                case_.append(("out/\(number)/feature", model.pooled(tokens)))
            }
        }
        let recorded = folder.file("case.safetensors")
        try SafeTensorsWriter.write(case_, to: recorded)
        let differences = try python.differences(model: path, case: recorded)
        #expect(differences.count == 2 * sizes.count)
        for difference in differences {
            #expect(
                difference.largest <= 1e-5 * max(1, difference.scale),
                "\(Self.forms[form].name): \(difference)")
        }
    }

    @Test("a difference of a thousandth is noticed")
    func sensitivity() throws {
        let python = try ONNXRuntime.find()
        let folder = try TemporaryFolder()
        let model = try model(0)
        try _ = ONNXFile.write(model, to: folder.file("model.onnx"))
        let images = Tensor.normal([1, 3, 16, 16], generator: Generator(seed: 9))
        let tokens = noGrad { model.final(model.lastBlocks(images, count: 1)[0]) + 1e-3 }
        let feature = noGrad { model.pooled(tokens) }
        let path = folder.file("case.safetensors")
        try SafeTensorsWriter.write(
            [("in/0", images), ("out/0/tokens", tokens), ("out/0/feature", feature)], to: path)
        let found = try python.differences(model: folder.file("model.onnx"), case: path)
        #expect(found.count == 2 && found.allSatisfy { $0.largest > 5e-4 })
    }

    @Test("weights beyond a bound go to a file beside the model")
    func weightsBeside() throws {
        let python = try ONNXRuntime.find()
        let folder = try TemporaryFolder()
        let model = try model(0)
        let path = folder.file("model.onnx")
        let file = try ONNXFile.write(model, to: path, mostBytes: 1000)
        let beside = try #require(file.weightsPath)
        let size = try FileManager.default.attributesOfItem(atPath: beside)[.size] as? Int
        #expect(size == file.weightBytes)
        let images = Tensor.normal([1, 3, 16, 16], generator: Generator(seed: 9))
        let tokens = noGrad { model.final(model.lastBlocks(images, count: 1)[0]) }
        let recorded = folder.file("case.safetensors")
        try SafeTensorsWriter.write(
            [
                ("in/0", images), ("out/0/tokens", tokens),
                ("out/0/feature", noGrad { model.pooled(tokens) }),
            ], to: recorded)
        let found = try python.differences(model: path, case: recorded)
        #expect(found.count == 2 && found.allSatisfy { $0.largest < 1e-4 })
    }

    @Test("tables of relative positions fix the size of the pictures, rotary positions do not")
    func sizes() throws {
        let folder = try TemporaryFolder()
        for (name, isFixed) in [("BEiT", true), ("DINOv3", false)] {
            let form = try #require(Self.forms.firstIndex { $0.name == name })
            let path = folder.file("\(form).onnx")
            _ = try ONNXFile.write(model(form), to: path)
            let message = try ONNXModel(
                serializedBytes: Data(contentsOf: URL(fileURLWithPath: path)))
            let sizes = message.graph.inputs[0].type.tensor.shape.dimensions.suffix(2)
            let expected: ONNXDimension.OneOf_Size = .count(16)
            #expect(sizes.allSatisfy { ($0.size == expected) == isFixed }, "\(name)")
        }
    }

    @Test("a stem of convolutions is refused, and nothing is written")
    func stem() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("stem.onnx")
        var config = Config()
        (config.imageSize, config.patchSize, config.width) = (16, 4, 24)
        (config.depth, config.heads) = (1, 3)
        config.stem = ConvolutionalStem.Form(channels: [4], strides: [4, 1])
        let model = try VisionTransformer(config, generator: nil)
        let error = #expect(throws: ExportError.self) { try ONNXFile.write(model, to: path) }
        #expect(error?.description.contains("model.stem") == true)
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
