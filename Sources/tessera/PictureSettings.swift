import Configuration
import Data
import Imaging
import Training

/// How an evaluation shows pictures to the encoder.
struct PictureSettings: Configuration, Hashable {
    var resize: Int? = nil
    var margin = true
    var interpolation = Interpolation.bicubic
    var crops = Crops.center
    var cropInterpolation: Interpolation? = nil
    var cropForm = RandomResizedCrop.Form.torchvision

    enum Crops: String, Codable, Sendable, CaseIterable {
        case center
        case random
    }

    init() {}

    static var documentation: [String: String] {
        [
            "resize":
                "what the shorter side becomes before the centre is cut out, in pixels; null for "
                + "what margin says",
            "margin":
                "whether that is 256/224 of the encoder's size, or the size itself below 64; false "
                + "for the size itself always (StoP's logistic_eval.py)",
            "interpolation":
                "how a picture is resized before its centre is cut out (bilinear in StoP's "
                + "logistic_eval.py)",
            "crops":
                "what probes are trained on: center, extracted once, or random, 8 to 100 % of a "
                + "picture and a flip, anew in every epoch (as published: linear, sweep, "
                + "pooled, readout)",
            "cropInterpolation":
                "how random crops are resampled; null for bicubic (iBOT's probes have bilinear)",
            "cropForm":
                "how the rectangle of a random crop is drawn: torchvision, or clamped, cut to the picture "
                + "after a single try, as in MAE's linear probe and *Beyond [cls]*",
        ]
    }

    /// What the shorter side of a picture becomes for an encoder of a size in pixels.
    func shortSide(imageSize: Int) -> Int {
        resize ?? (margin ? DataSettings.evaluationShortSide(imageSize: imageSize) : imageSize)
    }

    /// The same for an encoder of a size, with `resize` told where nil would not stand for what
    /// `DataSettings` has.
    func fitted(to imageSize: Int) -> PictureSettings {
        var fitted = self
        if !margin { fitted.resize = shortSide(imageSize: imageSize) }
        return fitted
    }

    /// Throws `ConfigurationError` where nothing of the encoder's size can be cut out.
    func validate(imageSize: Int) throws {
        if let cropInterpolation, crops == .center {
            throw ConfigurationError.invalid(
                "pictures.cropInterpolation", found: cropInterpolation.rawValue,
                expected: "nothing beside pictures.crops=center: pictures.interpolation says how "
                    + "those are resized")
        }
        guard let resize, resize < imageSize else { return }
        throw ConfigurationError.invalid(
            "pictures.resize", found: resize,
            expected: "at least the encoder's size, \(imageSize) pixels")
    }
}
