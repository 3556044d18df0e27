import Configuration
import NN
import TestSupport
import Testing
import Torch

@testable import VisionModels

@Suite("featurenorm's encoder") struct FeatureNormEncoderTests {
    private var small: FeatureNormEncoder.Config {
        var config = FeatureNormEncoder.Config()
        (config.imageSize, config.patchSize, config.width) = (16, 4, 12)
        (config.depth, config.heads, config.headWidth) = (2, 2, 8)
        (config.registers, config.registerRows) = (2, 3)
        return config
    }

    private func model(
        _ change: (inout FeatureNormEncoder.Config) -> Void = { _ in }
    ) throws -> FeatureNormEncoder {
        var config = small
        change(&config)
        let model = try FeatureNormEncoder(config, generator: Generator(seed: 1))
        model.evaluate()
        return model
    }

    private func images(_ height: Int, _ width: Int) -> Tensor {
        .normal([2, 3, height, width], generator: Generator(seed: 5))
    }

    @Test("as any encoder: grids, tokens of the last blocks, registers first")
    func images() throws {
        let model = try model()
        let images = images(12, 22)
        #expect(model.grid(of: images) == PatchGrid(rows: 3, columns: 5))
        #expect(model.extraTokens == 2 && !model.hasClassToken && model.blockCount == 2)
        let blocks = noGrad { model.lastBlocks(images, count: 2) }
        #expect(blocks.map(\.shape) == [[2, 17, 12], [2, 17, 12]])
        let feature = noGrad { model.feature(images) }
        expect(feature, closeTo: noGrad { model.final(blocks[1]).mean(1) }, .exact)
    }

    @Test("a picture among others in one sequence, with padding, gives what it gives alone")
    func packing() throws {
        for experts in [nil, 3] {
            let model = try model {
                $0.experts = experts
                $0.absolutePositions = true
            }
            let picture = images(8, 12)[0..<1]
            let alone = noGrad { model.lastBlocks(picture, count: 1)[0] }  // [1, 8, D]
            var ids = [[0, 0, 0], [1, 0, 0]]
            for row in 0..<2 { for column in 0..<3 { ids.append([-100, row, column]) } }
            let own = ids.map { [7] + $0 }
            let others = [[9, -100, 0, 0], [9, -100, 3, 1], [9, -100, 0, 2]]
            let padding = Array(repeating: [-100, 0, 0, 0], count: 3)
            let all = Array(others.prefix(2)) + own + others.suffix(1) + padding
            let tokens = PackedTokens(
                ids: Tensor(all.flatMap { $0 }, shape: [1, all.count, 4]))
            let noise = Tensor.normal(
                [1, all.count, 48], generator: Generator(seed: 6))
            let patches = concatenated(
                [
                    noise[0..., ..<2], .full([1, 2, 48], -1), patchify(picture, patchSize: 4),
                    noise[0..., 10...],
                ], 1)
            let packed = noGrad { model(patches, tokens) }
            expect(packed.layers[2][0..., 2..<10], closeTo: alone, atol: 1e-5)
            #expect(packed.layers.count == 3 && packed.capacityLoss == nil)
        }
    }

    @Test("merged tokens come back at their places, and large picture numbers stay what they are")
    func merging() throws {
        let model = try model { $0.mergeRate = 0.25 }
        let images = images(16, 16)
        #expect(noGrad { model.lastBlocks(images, count: 1)[0] }.shape == [2, 18, 12])
        let (large, keys) = (
            1 << 60 + 1, Tensor.normal([1, 6, 4], generator: Generator(seed: 2))
        )
        let merging = TokenMerging(
            keys, samples: Tensor([large, large, large, large, 5, 5], shape: [1, 6]), merging: 2)
        #expect(
            Set(merging.samples.values(as: Int.self)).isSubset(of: [large, 5]))
        let places = MergedPlaces(merging)
        let counts = places.membership.sum(2).values(as: Double.self)
        #expect(counts.reduce(0, +) == 6 && counts.allSatisfy { $0 >= 1 })
        // The mean of each is that of its members.
        expect(merging.merge(keys), closeTo: places.merge(keys), atol: 1e-6)
    }

    @Test("in bf16 features are near those of fp32, in all forms")
    func lowerPrecision() throws {
        for (queryKeyNorm, experts, mergeRate) in [
            (NormForm?.some(.layerNorm), Int?.none, Double?.some(0.25)), (nil, 3, nil),
        ] {
            let model = try model {
                ($0.queryKeyNorm, $0.experts, $0.mergeRate) = (queryKeyNorm, experts, mergeRate)
                $0.absolutePositions = experts == nil
            }
            let images = images(16, 16)
            let whole = noGrad { model.feature(images) }
            let half = noGrad { autocast(to: .bfloat16, on: .cpu) { model.feature(images) } }
            expect(half.to(dtype: .float32), closeTo: whole, atol: 0.05)
        }
    }

    @Test("the shape is told by the tensors")
    func inference() throws {
        for norm in NormForm.allCases {
            for output in FeatureNormEncoder.Config.OutputNorm.allCases {
                let model = try model {
                    ($0.norm, $0.queryKeyNorm) = (norm, norm)
                    $0.outputNorm = output
                    $0.outputAffine = output == .layerNorm
                    $0.experts = norm == .layerNorm ? 2 : nil
                    $0.registers = 3
                    $0.absolutePositions = output == .none
                    $0.rotary = output != .none
                    ($0.maxRows, $0.maxColumns) = output == .none ? (5, 6) : (64, 64)
                }
                let shapes = Dictionary(
                    uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.shape) })
                let found = try FeatureNormEncoder.Config(inferredFrom: shapes) {
                    $0.imageSize = 16
                }
                #expect(found == model.config)
            }
        }
        #expect {
            _ = try FeatureNormEncoder.Config(inferredFrom: ["proj_in.weight": [12, 47]])
        } throws: {
            "\($0)".contains("proj_in.weight") && "\($0)".contains("square patch")
        }
        var shapes = Dictionary(
            uniqueKeysWithValues: try model().stateDict.map { ($0.name, $0.tensor.shape) })
        shapes["blocks.0.mlp.fc1.weight"] = [50, 12]
        #expect {
            _ = try FeatureNormEncoder.Config(inferredFrom: shapes)
        } throws: {
            "\($0)".contains("mlp.fc1.weight") && "\($0)".contains("48 rows of 12")
        }
    }

    @Test("settings that make no sense say which, and so do pictures that are too large")
    func errors() throws {
        func message(
            _ change: (inout FeatureNormEncoder.Config) -> Void
        ) -> String {
            var config = small
            change(&config)
            do {
                try config.validate()
                return "valid"
            } catch {
                return "\(error)"
            }
        }
        #expect(message { $0.depth = 0 }.contains("depth"))
        #expect(message { $0.imageSize = 17 }.contains("imageSize"))
        #expect(message { $0.headWidth = 6 }.contains("multiple of 4"))
        #expect(message { $0.rotary = false }.contains("knows no places"))
        #expect(message { $0.registers = 4 }.contains("registerRows, 3"))
        #expect(message { $0.mergeRate = 0.5 }.contains("below 1 / 2"))
        #expect(message { $0.mergeMultiple = 4 }.contains("nothing is merged"))
        #expect(
            message { ($0.mergeRate, $0.mergeMultiple) = (0.2, 16) }.contains("1 to 9 can"))
        let model = try model {
            $0.absolutePositions = true
            ($0.maxRows, $0.maxColumns) = (4, 5)
        }
        try model.requireSize(height: 16, width: 20)
        #expect {
            try model.requireSize(height: 16, width: 24)
        } throws: {
            "\($0)".contains("4×6 patches") && "\($0)".contains("at most 4×5")
        }
        #expect {
            try model.requireSize(height: 3, width: 24)
        } throws: {
            "\($0)".contains("at least one patch")
        }
    }
}
