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
        let pipeline = try settings.pipelines(imageSize: 96, channels: 3)[0]
        #expect(
            pipeline.steps == [
                Transform(RandomResizedCrop(size: 96)), Transform(HorizontalFlip()),
            ])
        #expect(pipeline.size == 96 && pipeline.channels == 3)
        #expect(pipeline.normalization == .imageNet)

        settings.augment = [Transform(CenterCrop(size: 28))]
        #expect(
            try settings.pipelines(imageSize: 28, channels: 1)[0].steps
                == [Transform(CenterCrop(size: 28))])
    }

    @Test("steps that end in another size than the model's are refused, with both sizes")
    func otherSize() {
        var settings = DataSettings()
        settings.augment = [Transform(CenterCrop(size: 28))]
        #expect {
            try settings.pipelines(imageSize: 32, channels: 1)[0]
        } throws: { error in
            "\(error)".contains("data.augment is a picture of 28 pixels in the end")
                && "\(error)".contains("model.imageSize, 32")
        }
        settings.augment = [Transform(HorizontalFlip())]
        #expect(throws: DataError.self) { try settings.pipelines(imageSize: 32, channels: 1)[0] }
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
        let bilinear = DataSettings().evaluationPipeline(
            imageSize: imageSize, channels: 3, interpolation: .bilinear)
        #expect(
            bilinear.steps.first
                == Transform(Resize(size: PixelSize(shorter), interpolation: .bilinear)))
        #expect(bilinear != pipeline)
    }

    @Test("a grey model takes the mean of numbers given for colours")
    func greyNormalization() throws {
        var settings = DataSettings()
        (settings.mean, settings.std) = ([0.2, 0.4, 0.6], [0.1, 0.2, 0.6])
        let grey = try settings.pipelines(imageSize: 8, channels: 1)[0].normalization
        #expect(grey.mean == [0.4] && grey.std == [0.3])
        #expect(settings.evaluationPipeline(imageSize: 8, channels: 1).normalization == grey)
        let colour = try settings.pipelines(imageSize: 8, channels: 3)[0].normalization
        #expect(colour.mean == [0.2, 0.4, 0.6] && colour.std == [0.1, 0.2, 0.6])
        settings.mean = [0.5]
        #expect(try settings.pipelines(imageSize: 8, channels: 3)[0].normalization.mean == [0.5])
        settings.mean = [0.5, 0.5]
        #expect(throws: DataError.self) { try settings.pipelines(imageSize: 8, channels: 3)[0] }
    }

    @Test("views have steps and numbers of their own, and may repeat another's draws")
    func severalViews() throws {
        var settings = DataSettings()
        var global = ViewSettings()
        global.steps = [Transform(RandomResizedCrop(size: 32))]
        global.count = 2
        var local = ViewSettings()
        local.steps = [Transform(RandomResizedCrop(size: 16)), Transform(HorizontalFlip())]
        local.count = 3
        var twin = ViewSettings()
        twin.steps = [Transform(RandomResizedCrop(size: PixelSize(height: 8, width: 4)))]
        twin.stream = 0
        settings.views = [global, local, twin]
        let views = try settings.pipelines(imageSize: 32, channels: 3)
        #expect(views.map(\.size) == [32, 32, 16, 16, 16, PixelSize(height: 8, width: 4)])
        #expect(views.map(\.stream) == [nil, nil, nil, nil, nil, 0])
        #expect(throws: ConfigurationError.self) {
            try settings.pipelines(imageSize: 16, channels: 3)
        }
        settings.augment = []
        #expect {
            try settings.validate()
        } throws: {
            "\($0)".contains("views is given beside augment, expected one of the two")
        }
    }

    @Test("how pictures are decoded is set by keys")
    func decoding() throws {
        let usual = try DataSettings.resolve(overrides: []).value.decoder(channels: 3)
        #expect(usual.scaling == .exact && usual.orientation == .ignored && usual.range == nil)
        #expect(usual.channels == .rgbOrGrey && !usual.acceptsTruncated)
        let settings = try DataSettings.resolve(overrides: [
            "decoding=fast", "orientation=upright", "truncated=kept", "range=[-1, 4.5]",
        ])
        let decoder = settings.value.decoder(channels: 7)
        #expect(decoder.scaling == .fast && decoder.orientation == .upright)
        #expect(decoder.range == -1...4.5 && decoder.acceptsTruncated)
        #expect(decoder.channels == .stored)
        #expect(throws: (any Error).self) {
            try DataSettings.resolve(overrides: ["decoding=quick"])
        }
    }

    @Test("repeats and balance make orders of the epoch")
    func orders() throws {
        let source = ConstantPictures(count: 300)
        var settings = DataSettings()
        settings.batchSize = 10
        settings.repeats = 3
        let repeated = try settings.plan(for: source, imageSize: 4, channels: 3, seed: 1)
        #expect(Set(repeated.sampler.keys(epoch: 0).map { $0 % 300 }).count == 86)
        settings.balance = 1
        #expect(throws: ConfigurationError.self) { try settings.validate() }
        settings.repeats = 1
        let balanced = try settings.plan(for: source, imageSize: 4, channels: 3, seed: 1)
        let labels = balanced.sampler.keys(epoch: 0).map { source.label(at: $0 % 300) }
        #expect(labels.count { $0 == 0 } == 150)
    }
}

/// Black pictures, a tenth of them of class 0.
private struct ConstantPictures: ImageSource {
    let count: Int
    let classNames = ["rare", "frequent"]
    func label(at index: Int) -> Int? { index % 10 == 0 ? 0 : 1 }
    func name(at index: Int) -> String { "\(index)" }
    func load(_ index: Int, into picture: inout StoredPicture) throws {
        picture.pixels = ImageBuffer(width: 4, height: 4, channels: 3)
        picture.form = .decoded
    }
}
