import Analysis
import Imaging
import Reports
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Attention maps") struct AttentionMapsTests {
    private func model(classToken: Bool, channels: Int = 3) throws -> VisionTransformer {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.channels) = (16, 4, channels)
        (config.width, config.depth, config.heads, config.classToken) = (8, 2, 2, classToken)
        return try VisionTransformer(config, generator: Generator(seed: 1))
    }

    @Test("the row of the class token in the last block, for every head", arguments: [1, 3])
    func classToken(channels: Int) throws {
        let model = try model(classToken: true, channels: channels)
        let images = Tensor.normal([2, channels, 8, 16], generator: Generator(seed: 2))
        let maps = AttentionMaps(model, images: images)
        let weights = model.lastAttention(images).detached()  // [2, 2, 9, 9]
        #expect(maps.weights.shape == [2, 2, 2, 4] && maps.headCount == 2)
        #expect(!maps.weights.requiresGrad)
        expect(maps.weights.flattened(2), closeTo: weights[0..., 0..., 0, 1...], atol: 1e-6)
        // What is missing to 1 goes to the class token.
        expect(
            maps.weights.sum(2, 3) + weights[0..., 0..., 0, 0], closeTo: .ones([2, 2]), atol: 1e-5)
        for sample in 0..<2 {
            let heads = maps.heatMaps(sample: sample)
            #expect(heads.allSatisfy { $0.rows == 2 && $0.columns == 4 })
        }
    }

    @Test("without a class token what each patch receives on average")
    func withoutClassToken() throws {
        let maps = AttentionMaps(
            try model(classToken: false),
            images: .normal([1, 3, 16, 16], generator: Generator(seed: 3)))
        #expect(maps.weights.shape == [1, 2, 4, 4])
        expect(maps.weights.sum(2, 3), closeTo: .ones([1, 2]), atol: 1e-5)
    }

    @Test("a picture of the map is made of blocks from black to white")
    func picture() throws {
        let maps = AttentionMaps(
            try model(classToken: true),
            images: .normal([1, 3, 16, 16], generator: Generator(seed: 4)))
        let map = maps.heatMaps(sample: 0)[1]
        let picture = map.picture(width: 16, height: 32)
        #expect((picture.width, picture.height, picture.channels) == (16, 32, 1))
        #expect(picture.pixels.min() == 0 && picture.pixels.max() == 255)
        for row in 0..<32 {
            for column in 0..<16 {
                #expect(picture[row, column] == picture[row / 8 * 8, column / 4 * 4])
            }
        }
        let largest = try #require(map.values.indices.max { map.values[$0] < map.values[$1] })
        #expect(picture[largest / 4 * 8, largest % 4 * 4] == 255)
    }

    @Test("a map of equal numbers is black")
    func flat() {
        let picture = HeatMap(rows: 1, columns: 2, values: [3, 3]).picture(width: 4, height: 2)
        #expect(picture.pixels.allSatisfy { $0 == 0 })
    }
}
