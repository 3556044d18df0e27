import Foundation
import Imaging
import Testing

@testable import Data

@Suite("Augmentation steps") struct AugmentationStepTests {
    /// One of each step that recipes may name, with something to do.
    static let steps: [any TransformStep] = [
        VerticalFlip(probability: 1),
        ColorJitter(
            brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1),
        Grayscale(probability: 1), GaussianBlur(probability: 1), Solarize(probability: 1),
        ThreeAugment(), RandAugment(RandAugmentPolicy(magnitude: 9, count: 6)),
        PatchShuffle(patch: 8), HideAndSeek(ratio: 0.5, patch: 8),
        RandomErasing(probability: 1), RandomApply(probability: 1, [Grayscale(probability: 1)]),
        RandomChoice([Solarize(probability: 1), Grayscale(probability: 1)]),
        CenteredResize(size: 24),
    ]

    @Test(arguments: steps.indices)
    func aStepIsAFunctionOfTheStream(index: Int) throws {
        let step = Self.steps[index]
        let picture = PictureWindow(gradientPicture(width: 40, height: 32))
        var pipeline = ImagePipeline([CenterCrop(size: 32), step])
        if step is PatchShuffle || step is HideAndSeek { pipeline.normalization = .none }
        try pipeline.validate()
        func view(_ sample: Int, _ runner: inout PipelineRunner) throws -> ImageBuffer {
            var random = CounterRandom(seed: 3, purpose: .augmentation, sample: sample)
            return try runner.view(of: picture, random: &random)
        }
        var runner = PipelineRunner(pipeline)
        let first = try view(0, &runner)
        #expect(first.size == pipeline.size)
        for sample in 1..<5 { _ = try view(sample, &runner) }
        #expect(try view(0, &runner) == first)
        var other = PipelineRunner(pipeline)
        #expect(try view(0, &other) == first)
        #expect(picture.pixels == gradientPicture(width: 40, height: 32))
    }

    /// A flip that was put off must not change what colour steps do.
    @Test func aFlipBeforeAColourIsOneAfterIt() throws {
        let picture = PictureWindow(gradientPicture(width: 33, height: 32))
        let color: [any TransformStep] = [
            ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, order: .fixed),
            GaussianBlur(probability: 1),
        ]
        let flip = HorizontalFlip(probability: 1)
        func view(_ steps: [any TransformStep]) throws -> ImageBuffer {
            var runner = PipelineRunner(ImagePipeline(steps))
            var random = CounterRandom(seed: 3, purpose: .augmentation)
            return try runner.view(of: picture, random: &random)
        }
        var mirrored = picture.pixels
        mirrored.flipHorizontally()
        var random = CounterRandom(seed: 3, purpose: .augmentation)
        _ = random.happens(1)
        var expected = PipelineRunner(ImagePipeline(color))
        #expect(
            try view([flip] + color)
                == expected.view(of: PictureWindow(mirrored), random: &random))
    }

    @Test func recipesNameEveryStep() throws {
        let text = #"""
            [{"randomApply": {"probability": 0.8, "steps": [
            {"colorJitter": {"brightness": 0.4, "order": "fixed"}}]}},
            {"randomChoice": {"steps": [{"grayscale": {}}, {"solarize": {"threshold": 200}}]}},
            {"gaussianBlur": {"sigma": [0.2, 1.5]}},
            {"randAugment": {"policy": "rand-m7-n3-mstd0.5", "interpolation": "random"}},
            {"threeAugment": {"colorJitter": 0.3}},
            {"centeredResize": {"size": 64}},
            {"randomErasing": {"mode": "const", "count": 3}}]
            """#
        let steps = try decode(text)
        #expect(
            steps.map(\.name) == [
                "randomApply", "randomChoice", "gaussianBlur", "randAugment", "threeAugment",
                "centeredResize", "randomErasing",
            ])
        let again = try JSONDecoder().decode(
            [Transform].self, from: JSONEncoder().encode(steps))
        #expect(again == steps)
        for type in Transform.known where type.init() as? RandomApply == nil {
            guard !(type.init() is RandomChoice) else { continue }
            #expect(throws: Never.self, "\(type.name)") { try type.init().check() }
        }
    }

    @Test(arguments: [
        ("rand-m9-mstd0.5-inc1", "rand-m9-mstd0.5-inc1"), ("rand-m9-mstd0.5", "rand-m9-mstd0.5"),
        ("rand-n3-m6", "rand-m6-n3"), ("rand-m9-inc0", "rand-m9-inc1"), ("rand", "rand-m10"),
    ])
    func policiesAreReadAsTimmReadsThem(text: String, canonical: String) throws {
        #expect(try RandAugmentPolicy(text).text == canonical)
    }

    @Test(arguments: [
        ("autoaug", "begins with 'autoaug'"), ("rand-m", "the part 'm'"),
        ("rand-x3", "unknown part 'x3'"), ("rand-m11", "the magnitude 11.0"),
        ("rand-n2.5", "whole number"), ("rand-m9--inc1", "the part ''"), ("", "begins with ''"),
        ("rand-mstd1e999", "the part 'mstd1e999'"), ("rand-n0", "0 operations"),
    ])
    func wrongPoliciesSayWhatIsWrong(text: String, words: String) {
        let error = #expect(throws: DataError.self) { try RandAugmentPolicy(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        (#"{"colorJitter": {"brightness": -1}}"#, "colorJitter.brightness"),
        (#"{"colorJitter": {"hue": 0.7}}"#, "colorJitter.hue"),
        (#"{"gaussianBlur": {"sigma": [2, 1]}}"#, "gaussianBlur.sigma"),
        (#"{"gaussianBlur": {"sigma": [0, 1000]}}"#, "gaussianBlur.sigma"),
        (#"{"solarize": {"threshold": 300}}"#, "solarize.threshold"),
        (#"{"randAugment": {"fill": [1, 2]}}"#, "randAugment.fill"),
        (#"{"randomErasing": {"area": [0, 2]}}"#, "randomErasing.area"),
        (#"{"randomApply": {"probability": 2}}"#, "randomApply.probability"),
        (#"{"randomChoice": {}}"#, "randomChoice.steps"),
        (
            #"{"randomApply": {"steps": [{"randomErasing": {}}]}}"#,
            "randomErasing as a step of its own"
        ),
        (#"{"patchShuffle": {"patch": 0}}"#, "patchShuffle.patch"),
        (#"{"randomResize": {"minSide": 500}}"#, "randomResize.minSide"),
    ])
    func wrongArgumentsAreNamed(text: String, words: String) {
        do {
            _ = try decode("[\(text)]")
            Issue.record("\(text) was accepted")
        } catch {
            #expect("\(error)".contains(words), "\(error)")
        }
    }

    @Test func erasingComesLastAndIntoFloats() throws {
        let last = ImagePipeline([CenterCrop(size: 16), RandomErasing()])
        try last.validate()
        #expect(throws: DataError.self) { try last.validate(element: .uint8) }
        let first = ImagePipeline([RandomErasing(), CenterCrop(size: 16)])
        let error = #expect(throws: DataError.self) { try first.validate() }
        #expect(error?.description.contains("randomErasing at the end") == true)
    }

    @Test(arguments: RandomErasing.Mode.allCases)
    func erasedValuesAreWhatTheModeSays(mode: RandomErasing.Mode) throws {
        let picture = ImageBuffer(
            width: 32, height: 48, channels: 3, pixels: repeatElement(200, count: 32 * 48 * 3))
        let pipeline = ImagePipeline(
            [CenterCrop(size: picture.size), RandomErasing(probability: 1, mode: mode)])
        var runner = PipelineRunner(pipeline)
        var random = CounterRandom(seed: 5, purpose: .augmentation)
        var values = [Float](repeating: .nan, count: picture.byteCount)
        try values.withUnsafeMutableBufferPointer {
            try runner.write(PictureWindow(picture), random: &random, to: $0)
        }
        let plane = 32 * 48
        var counts: [Int] = []
        for channel in 0..<3 {
            let kept =
                (Float(200) / 255 - Normalization.imageNet.mean[channel])
                / Normalization.imageNet.std[channel]
            let erased = values[channel * plane..<(channel + 1) * plane].filter { $0 != kept }
            counts.append(erased.count)
            switch mode {
            case .pixel: #expect(Set(erased).count > erased.count / 2)
            case .channel: #expect(Set(erased).count == 1 && erased.first != 0)
            case .zero: #expect(erased.allSatisfy { $0 == 0 })
            }
        }
        let part = Double(counts[0]) / Double(plane)
        #expect((0.015...0.345).contains(part) && Set(counts).count == 1)
    }

    /// The colour that fills a turned grey picture is that of the RGB result.
    @Test func greyPicturesAreFilledInColour() throws {
        let grey = gradientPicture(width: 32, height: 32).converted(toChannels: 1)
        func turned(_ picture: ImageBuffer, channels: Int) -> ImageBuffer {
            var canvas = Canvas(passOrder: .horizontalFirst, channels: channels)
            canvas.begin(PictureWindow(picture))
            AugmentOperation.rotate.apply(45, to: &canvas, .bicubic, fill: [124, 116, 104])
            return canvas.finish { picture, _ in picture }
        }
        let colored = turned(grey, channels: 3)
        #expect(colored == turned(grey.converted(toChannels: 3), channels: 3))
        #expect(Array(colored.pixels.prefix(3)) == [124, 116, 104])
        #expect(turned(grey, channels: 1).channels == 1)
    }

    @Test func viewsOfEveryFamilyMakeSense() throws {
        let families: [[ImagePipeline]] = [
            [.maskedAutoencoder()], [.simMIM()], [.imageJEPA()], [.stochasticPositions()],
            ImagePipeline.iBOT(), ImagePipeline.permutedTokens(), ImagePipeline.beit(),
            ImagePipeline.beit2(), [.fineTuning()], [.threeAugment()],
        ]
        for views in families {
            for view in views { try view.validate() }
        }
        #expect(families[4].count == 12)
    }

    /// Both views of a picture see the same rectangle, at their sizes.
    @Test func aTokenizerSeesTheModelsRectangle() throws {
        let views = ImagePipeline.beit(size: 32, tokenizerSize: 32)
        let picture = PictureWindow(gradientPicture(width: 90, height: 70))
        for sample in 0..<10 {
            let pixels = try views.map { view in
                var runner = PipelineRunner(view)
                var random = CounterRandom(
                    seed: 1, purpose: .augmentation, sample: sample, view: view.stream ?? 0)
                return try runner.view(of: picture, random: &random).pixels
            }
            // Two filters, one rectangle.
            let difference = zip(pixels[0], pixels[1]).map { abs(Int($0) - Int($1)) }
            #expect(difference.reduce(0, +) / difference.count <= 3)
        }
    }

    @Test func jitterDrawsWithinItsRanges() {
        let jitter = ColorJitter(brightness: 0.4, contrast: 1.5, saturation: 0, hue: 0.1)
        var orders: Set<String> = []
        for sample in 0..<200 {
            var random = CounterRandom(seed: 2, purpose: .augmentation, sample: sample)
            let changes = jitter.changes(&random)
            #expect(changes.count == 3)
            for change in changes {
                switch change {
                case .brightness(let factor): #expect((0.6...1.4).contains(factor))
                case .contrast(let factor): #expect((0...2.5).contains(factor))
                case .hue(let turns): #expect((-0.1...0.1).contains(turns))
                default: Issue.record("\(change)")
                }
            }
            orders.insert(changes.map { "\($0)".prefix(3) }.joined())
        }
        #expect(orders.count == 6)
    }
}

private func decode(_ text: String) throws -> [Transform] {
    try JSONDecoder().decode([Transform].self, from: Foundation.Data(text.utf8))
}

private func gradientPicture(width: Int, height: Int) -> ImageBuffer {
    var image = ImageBuffer(width: width, height: height, channels: 3)
    for y in 0..<height {
        for x in 0..<width {
            image[y, x, 0] = UInt8(x * 255 / width)
            image[y, x, 1] = UInt8(y * 255 / height)
            image[y, x, 2] = UInt8((x + y) * 255 / (width + height))
        }
    }
    return image
}
