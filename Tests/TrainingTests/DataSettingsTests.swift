import Configuration
import Data
import Imaging
import Testing

@testable import Training

@Suite("Settings of the pictures") struct DataSettingsTests {
    @Test(
        "what makes no sense is refused",
        arguments: ["batchSize", "prefetch", "workers"])
    func validation(key: String) {
        #expect {
            try DataSettings.resolve(overrides: ["\(key)=0"])
        } throws: { error in
            "\(error)".contains("\(key) is 0, expected a positive number")
        }
    }

    @Test("training crops at random and flips unless told otherwise")
    func trainingPipeline() throws {
        var settings = DataSettings()
        let pipeline = try settings.pipeline(imageSize: 96, channels: 3)
        #expect(
            pipeline.steps == [
                Transform(RandomResizedCrop(size: 96)), Transform(HorizontalFlip()),
            ])
        #expect(pipeline.size == 96 && pipeline.channels == 3)
        #expect(pipeline.normalization == .imageNet)

        settings.augment = [Transform(CenterCrop(size: 28))]
        #expect(
            try settings.pipeline(imageSize: 28, channels: 1).steps
                == [Transform(CenterCrop(size: 28))])
    }

    @Test("steps that end in another size than the model's are refused, with both sizes")
    func otherSize() {
        var settings = DataSettings()
        settings.augment = [Transform(CenterCrop(size: 28))]
        #expect {
            try settings.pipeline(imageSize: 32, channels: 1)
        } throws: { error in
            "\(error)".contains("data.augment is a picture of 28 pixels in the end")
                && "\(error)".contains("model.imageSize, 32")
        }
        settings.augment = [Transform(HorizontalFlip())]
        #expect(throws: DataError.self) { try settings.pipeline(imageSize: 32, channels: 1) }
    }

    @Test(
        "evaluation resizes the shorter side and cuts out the centre",
        arguments: [(224, 256), (96, 109), (64, 73), (63, 63), (28, 28)])
    func evaluationPipeline(imageSize: Int, shorter: Int) throws {
        let pipeline = DataSettings().evaluationPipeline(imageSize: imageSize, channels: 3)
        #expect(
            pipeline.steps == [
                Transform(Resize(size: PixelSize(shorter))),
                Transform(CenterCrop(size: PixelSize(imageSize))),
            ])
        try pipeline.validate()
        let given = DataSettings().evaluationPipeline(
            imageSize: imageSize, channels: 3, resize: 300)
        #expect(given.steps.first == Transform(Resize(size: 300)))
    }

    @Test("a grey model takes the mean of numbers given for colours")
    func greyNormalization() throws {
        var settings = DataSettings()
        (settings.mean, settings.std) = ([0.2, 0.4, 0.6], [0.1, 0.2, 0.6])
        let grey = try settings.pipeline(imageSize: 8, channels: 1).normalization
        #expect(grey.mean == [0.4] && grey.std == [0.3])
        #expect(settings.evaluationPipeline(imageSize: 8, channels: 1).normalization == grey)
        let colour = try settings.pipeline(imageSize: 8, channels: 3).normalization
        #expect(colour.mean == [0.2, 0.4, 0.6] && colour.std == [0.1, 0.2, 0.6])
        settings.mean = [0.5]
        #expect(try settings.pipeline(imageSize: 8, channels: 3).normalization.mean == [0.5])
        settings.mean = [0.5, 0.5]
        #expect(throws: DataError.self) { try settings.pipeline(imageSize: 8, channels: 3) }
    }
}
