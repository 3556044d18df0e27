import Foundation
import Imaging
import Testing

@testable import Data

@Suite("Transforms") struct TransformTests {
    @Test(arguments: RandomResizedCrop.Form.allCases)
    func everyRectangleLiesInThePicture(form: RandomResizedCrop.Form) {
        var crop = RandomResizedCrop(scale: [0.08, 1], form: form)
        for ratio: [Double] in [[0.75, 4.0 / 3], [1, 1], [0.1, 0.1], [9, 10]] {
            crop.ratio = ratio
            for height in [1, 2, 3, 17, 300] {
                for width in [1, 2, 5, 64, 500] {
                    for sample in 0..<20 {
                        var random = CounterRandom(
                            seed: 1, purpose: .augmentation, sample: sample)
                        let box = crop.box(height: height, width: width, random: &random)
                        #expect(
                            box.fits(PixelSize(height: height, width: width)),
                            "\(height)x\(width) \(box)")
                    }
                }
            }
        }
    }

    @Test func whatNeverFitsIsCutFromTheCentre() {
        // 10 high, 100 wide: no rectangle of 90-100 % of the area has an aspect below 4/3.
        let crop = RandomResizedCrop(scale: [0.9, 1])
        var random = CounterRandom(seed: 1, purpose: .augmentation)
        #expect(
            crop.box(height: 10, width: 100, random: &random)
                == CropBox(top: 0, left: 43, height: 10, width: 13))
        #expect(
            crop.box(height: 100, width: 10, random: &random)
                == CropBox(top: 43, left: 0, height: 13, width: 10))
    }

    @Test func aTranslatedCropKeepsTinyPicturesWhole() {
        let crop = RandomCrop(size: 28, padding: 4)
        var offsets: Set<Int> = []
        for sample in 0..<200 {
            var random = CounterRandom(seed: 1, purpose: .augmentation, sample: sample)
            let box = crop.box(in: 28, random: &random)
            offsets.insert(box.top)
            #expect((-4...4).contains(box.top) && (-4...4).contains(box.left))
        }
        #expect(offsets.count == 9)
    }

    @Test func aPipelineIsAFunctionOfTheStream() throws {
        let pipeline = ImagePipeline([
            RandomResizedCrop(size: 9), HorizontalFlip(),
        ])
        var runner = PipelineRunner(pipeline)
        let picture = noise(width: 30, height: 21, channels: 3, seed: 4)
        func view(_ sample: Int) throws -> ImageBuffer {
            var random = CounterRandom(seed: 3, purpose: .augmentation, sample: sample)
            return try runner.view(of: PictureWindow(picture), random: &random)
        }
        let first = try (0..<10).map(view)
        #expect(try (0..<10).map(view) == first)
        #expect(Set(first.map(\.pixels)).count == 10)
    }

    @Test(arguments: [1, 3], [1, 3])
    func channelsFollowThePipeline(stored: Int, wanted: Int) throws {
        let pipeline = ImagePipeline(
            [CenterCrop(size: 5)], channels: wanted,
            normalization: Normalization(mean: [0.5], std: [0.25]))
        var runner = PipelineRunner(pipeline)
        let picture = noise(width: 5, height: 5, channels: stored, seed: 2)
        let converted = picture.converted(toChannels: wanted)
        var values = [Float](repeating: .nan, count: wanted * 25)
        var random = CounterRandom(seed: 1, purpose: .augmentation)
        try values.withUnsafeMutableBufferPointer {
            try runner.write(PictureWindow(picture), random: &random, to: $0)
        }
        for channel in 0..<wanted {
            for y in 0..<5 {
                for x in 0..<5 {
                    let expected = (Float(converted[y, x, channel]) / 255 - 0.5) / 0.25
                    #expect(values[channel * 25 + y * 5 + x] == expected)
                }
            }
        }
    }

    @Test func aFlipHasItsProbability() throws {
        let picture = ImageBuffer(width: 2, height: 1, channels: 1, pixels: [0, 255])
        for (probability, expected) in [(0.0, 0...0), (0.5, 420...580), (1.0, 1000...1000)] {
            var runner = PipelineRunner(
                ImagePipeline([HorizontalFlip(probability: probability)]))
            var flips = 0
            for sample in 0..<1000 {
                var random = CounterRandom(seed: 1, purpose: .augmentation, sample: sample)
                if try runner.view(of: PictureWindow(picture), random: &random)[0, 0] == 255 {
                    flips += 1
                }
            }
            #expect(expected.contains(flips))
        }
    }

    @Test func validationStepsResizeAndCut() throws {
        let picture = noise(width: 40, height: 30, channels: 3, seed: 6)
        var runner = PipelineRunner(
            ImagePipeline([Resize(size: 16), CenterCrop(size: 14)]))
        var random = CounterRandom(seed: 1, purpose: .augmentation)
        let resized = picture.resized(width: 21, height: 16, interpolation: .bicubic)
        let expected = resized.cropped(to: CropBox(top: 1, left: 4, height: 14, width: 14))
        #expect(try runner.view(of: PictureWindow(picture), random: &random) == expected)
    }

    @Test func aPictureThatWouldBecomeABombIsRefused() {
        var runner = PipelineRunner(
            ImagePipeline([Resize(size: 256), CenterCrop(size: 224)]))
        var random = CounterRandom(seed: 1, purpose: .augmentation)
        let thin = ImageBuffer(width: 1_000_000, height: 1, channels: 1)
        let error = #expect(throws: ImageError.self) {
            try runner.view(of: PictureWindow(thin), random: &random)
        }
        #expect(error?.kind == .tooLarge)
        let tall = PictureWindow(ImageBuffer(width: 1, height: 2_000_000, channels: 1))
        let steps: [any TransformStep] = [
            Resize(size: 224, fit: .exact), CenteredResize(size: 224),
            RandomResizedCrop(size: 224, scale: [1, 1], ratio: [1e-7, 1e-7], form: .clamped),
        ]
        for step in steps {
            var runner = PipelineRunner(ImagePipeline([step]))
            let error = #expect(throws: ImageError.self) {
                try runner.view(of: tall, random: &random)
            }
            #expect(
                error?.description
                    == "a picture of 1x2000000 pixels: would have 224x2000000 when its rows are "
                    + "resized; cut it into pieces or take it out", "\(step)")
        }
    }

    @Test func recipesNameStepsByOneKey() throws {
        let text = """
            {"steps": [{"randomResizedCrop": {"size": 32, "scale": [0.5, 1]}},
            {"horizontalFlip": {}}], "channels": 1, "normalization": {"mean": [0.2], "std": [0.3]},
            "passOrder": "horizontalFirst"}
            """
        let pipeline = try JSONDecoder().decode(
            ImagePipeline.self, from: Foundation.Data(text.utf8))
        #expect(
            pipeline
                == ImagePipeline(
                    [
                        RandomResizedCrop(size: 32, scale: [0.5, 1]),
                        HorizontalFlip(),
                    ], channels: 1, normalization: Normalization(mean: [0.2], std: [0.3])))
        let again = try JSONDecoder().decode(
            ImagePipeline.self, from: JSONEncoder().encode(pipeline))
        #expect(again == pipeline)
    }

    @Test(arguments: [
        (#"{"randomResizeCrop": {}}"#, "'randomResizeCrop' is not one transform"),
        (#"{"randomResizedCrop": {"sise": 3}}"#, "unknown key 'sise'; known here: form, interp"),
        (
            #"{"horizontalFlip": {"probability": 2}}"#,
            "horizontalFlip.probability is 2.0, expected a number"
        ),
        (#"{"centerCrop": {"size": 0}}"#, "expected a number above 0"),
        (#"{"randomResizedCrop": {"scale": [1, 0.5]}}"#, "0 < least <= greatest <= 1"),
        (#"{"resize": {}, "centerCrop": {}}"#, "is not one transform"),
    ]) func wrongRecipesSayWhatIsKnown(text: String, words: String) {
        let error = #expect(throws: (any Error).self) {
            try JSONDecoder().decode(Transform.self, from: Foundation.Data(text.utf8))
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words))
    }

    @Test func pipelinesWithoutAFixedSizeAreRefused() {
        for steps: [any TransformStep] in [[], [Resize()], [HorizontalFlip()]] {
            #expect(throws: DataError.self) { try ImagePipeline(steps).validate() }
        }
        let late = ImagePipeline([CenterCrop(size: PixelSize(height: 4, width: 5)), Resize()])
        #expect(throws: DataError.self) { try late.validate() }
        #expect(throws: DataError.self) {
            try ImagePipeline([CenterCrop()], channels: 0).validate()
        }
    }

    @Test func picturesOfManyChannelsKeepThem() throws {
        let picture = noise(width: 20, height: 16, channels: 5, seed: 8)
        let normalization = Normalization(mean: [0, 0.1, 0.2, 0.3, 0.4], std: [1])
        let pipeline = ImagePipeline(
            [RandomResizedCrop(size: 6), HorizontalFlip()], channels: 5,
            normalization: normalization)
        try pipeline.validate()
        var runner = PipelineRunner(pipeline)
        var values = [Float](repeating: .nan, count: 5 * 36)
        let stream = CounterRandom(seed: 1, purpose: .augmentation)
        var random = stream
        try values.withUnsafeMutableBufferPointer {
            try runner.write(PictureWindow(picture), random: &random, to: $0)
        }
        random = stream
        let view = try runner.view(of: PictureWindow(picture), random: &random)
        for channel in 0..<5 {
            for (place, value) in values[channel * 36..<(channel + 1) * 36].enumerated() {
                let expected = Float(view[place / 6, place % 6, channel]) / 255
                #expect(value == expected - normalization.mean[channel])
            }
        }
    }

    @Test func channelsThatDoNotFitAreNamed() throws {
        for (stored, wanted) in [(4, 3), (3, 5), (2, 1)] {
            var runner = PipelineRunner(ImagePipeline([CenterCrop(size: 4)], channels: wanted))
            var random = CounterRandom(seed: 1, purpose: .augmentation)
            let picture = PictureWindow(noise(width: 4, height: 4, channels: stored, seed: 1))
            let error = #expect(throws: ImageError.self) {
                try runner.view(of: picture, random: &random)
            }
            #expect(error?.reason == "has \(stored) channels, the model takes \(wanted)")
        }
        let jitter = ImagePipeline([CenterCrop(size: 4), ColorJitter()], channels: 4)
        let error = #expect(throws: DataError.self) { try jitter.validate() }
        #expect(error?.remedy == "expected none that changes colours, for pictures with 4 channels")
    }

    @Test(
        arguments: [
            ([0.5, 0.5], [1], "data.mean"), ([0], [0], "data.std"), ([0], [1, 1], "data.std"),
        ] as [([Float], [Float], String)])
    func normalizationsThatDoNotFitAreNamedAsInRecipes(mean: [Float], std: [Float], key: String) {
        let pipeline = ImagePipeline(
            [CenterCrop(size: 4)], channels: 5, normalization: Normalization(mean: mean, std: std))
        let error = #expect(throws: DataError.self) { try pipeline.validate() }
        #expect(error?.place == key)
    }
}
