import Configuration
import NN
import Testing
import Torch
import VisionModels

@Suite("CLIP's residual network") struct ModifiedResNetTests {
    @Test("maps, grid and widths of a picture; the shape is told by the tensors")
    func shapes() throws {
        var config = ModifiedResNet.Config()
        (config.imageSize, config.width, config.depths) = (64, 8, [1, 2, 1, 1])
        (config.heads, config.embedding) = (4, 6)
        let model = try ModifiedResNet(config, generator: Generator(seed: 1))
        model.evaluate()
        let images = Tensor.normal([2, 3, 64, 64], generator: Generator(seed: 2))
        #expect(
            model.maps(images).map(\.shape) == [
                [2, 32, 16, 16], [2, 64, 8, 8], [2, 128, 4, 4], [2, 256, 2, 2],
            ])
        #expect(model.grid == PatchGrid(rows: 2, columns: 2))
        #expect(model.lastBlocks(images, count: 2).map(\.shape) == [[2, 16, 128], [2, 4, 256]])
        #expect(model.widths(ofLast: 2) == [128, 256])
        #expect(model(images).shape == [2, 6])
        let shapes = Dictionary(
            uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.shape) })
        #expect(try ModifiedResNet.Config(inferredFrom: shapes) == config)
    }

    @Test("tensors of another model are refused by name")
    func refusals() {
        #expect(throws: ConfigurationError.self) {
            try ModifiedResNet.Config(inferredFrom: ["conv1.weight": [8, 3, 3, 3]])
        }
    }
}
