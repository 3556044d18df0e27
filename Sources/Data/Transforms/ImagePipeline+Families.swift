public import Imaging

/// The published views of each family of methods, with its defaults.
extension ImagePipeline {
    /// MAE's pre-training (He and others 2022, appendix A.1).
    public static func maskedAutoencoder(size: PixelSize = 224) -> ImagePipeline {
        ImagePipeline([RandomResizedCrop(size: size), HorizontalFlip()])
    }

    /// SimMIM's pre-training (Xie and others 2022, section 4.1).
    public static func simMIM(size: PixelSize = 192) -> ImagePipeline {
        ImagePipeline([
            RandomResizedCrop(size: size, scale: [0.67, 1], interpolation: .bilinear),
            HorizontalFlip(),
        ])
    }

    /// I-JEPA's pre-training (Assran and others 2023): a crop and nothing else.
    public static func imageJEPA(size: PixelSize = 224) -> ImagePipeline {
        ImagePipeline([
            RandomResizedCrop(size: size, scale: [0.3, 1], interpolation: .bilinear)
        ])
    }

    /// StoP's pre-training: I-JEPA's crop, a flip, some grey and blurred pictures.
    public static func stochasticPositions(size: PixelSize = 224) -> ImagePipeline {
        ImagePipeline([
            RandomResizedCrop(size: size, scale: [0.3, 1], interpolation: .bilinear),
            HorizontalFlip(), Grayscale(probability: 0.2), GaussianBlur(probability: 0.5),
        ])
    }

    /// iBOT's views (Zhou and others 2022), large ones first.
    ///
    /// Only the first is always blurred and never solarised.
    public static func iBOT(
        globalCount: Int = 2, globalSize: PixelSize = 224, globalScale: [Double] = [0.14, 1],
        localCount: Int = 10, localSize: PixelSize = 96, localScale: [Double] = [0.05, 0.4]
    ) -> [ImagePipeline] {
        let color: [any TransformStep] = [
            HorizontalFlip(),
            ColorJitter(
                brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, probability: 0.8),
            Grayscale(probability: 0.2),
        ]
        func view(
            _ size: PixelSize, _ scale: [Double], blur: Double, _ last: [any TransformStep] = []
        ) -> ImagePipeline {
            ImagePipeline(
                [RandomResizedCrop(size: size, scale: scale)] + color
                    + [GaussianBlur(probability: blur)] + last)
        }
        return (0..<globalCount).map { number in
            number == 0
                ? view(globalSize, globalScale, blur: 1)
                : view(globalSize, globalScale, blur: 0.1, [Solarize(probability: 0.2)])
        } + (0..<localCount).map { _ in view(localSize, localScale, blur: 0.5) }
    }

    /// MaPeT's pre-training, the model's view and the tokenizer's: the centre square, whose colours
    /// change for the model alone.
    public static func permutedTokens(
        size: PixelSize = 224, tokenizerSize: PixelSize = 224,
        tokenizerNormalization: Normalization = .clip
    ) -> [ImagePipeline] {
        func square(_ size: PixelSize) -> RandomResizedCrop {
            RandomResizedCrop(size: size, scale: [1, 1], ratio: [1, 1])
        }
        let jitter = ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4)
        return twoViews(
            ImagePipeline([square(size), jitter]),
            ImagePipeline([square(tokenizerSize)], normalization: tokenizerNormalization))
    }

    /// BEiT's pre-training, the model's view and that of DALL-E's tokenizer, of one rectangle.
    public static func beit(
        size: PixelSize = 224, tokenizerSize: PixelSize = 112
    ) -> [ImagePipeline] {
        let scale = [0.08, 1]
        return twoViews(
            ImagePipeline(
                [HorizontalFlip(), RandomResizedCrop(size: size, scale: scale)],
                normalization: .inception),
            ImagePipeline(
                [
                    HorizontalFlip(),
                    RandomResizedCrop(size: tokenizerSize, scale: scale, interpolation: .lanczos),
                ], normalization: .dalle))
    }

    /// BEiT v2's pre-training, the model's view and the tokenizer's, of one rectangle and one colour.
    public static func beit2(
        size: PixelSize = 224, tokenizerSize: PixelSize = 224
    ) -> [ImagePipeline] {
        func steps(_ size: PixelSize) -> [any TransformStep] {
            [
                ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4), HorizontalFlip(),
                RandomResizedCrop(size: size, scale: [0.2, 1]),
            ]
        }
        return twoViews(
            ImagePipeline(steps(size)), ImagePipeline(steps(tokenizerSize), normalization: .none))
    }

    /// Fine-tuning with RandAugment and erasing, as MAE, BEiT, iBOT and MaPeT do it through timm.
    public static func fineTuning(
        size: PixelSize = 224,
        policy: RandAugmentPolicy = RandAugmentPolicy(magnitude: 9, isIncreasing: true),
        erasing: Double = 0.25
    ) -> ImagePipeline {
        ImagePipeline([
            RandomResizedCrop(size: size, scale: [0.08, 1]), HorizontalFlip(),
            RandAugment(policy), RandomErasing(probability: erasing),
        ])
    }

    /// Fine-tuning with DeiT III's three augmentations.
    public static func threeAugment(size: PixelSize = 224) -> ImagePipeline {
        ImagePipeline([
            RandomResizedCrop(size: size, scale: [0.08, 1]), HorizontalFlip(), ThreeAugment(),
        ])
    }

    /// Two views that draw alike, so that they see the same rectangle.
    private static func twoViews(
        _ model: ImagePipeline, _ tokenizer: ImagePipeline
    ) -> [ImagePipeline] {
        var tokenizer = tokenizer
        tokenizer.stream = 0
        return [model, tokenizer]
    }
}
