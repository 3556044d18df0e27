import Configuration
import Imaging

/// How an evaluation shows pictures to the encoder.
struct PictureSettings: Configuration, Hashable {
    var resize: Int? = nil
    var interpolation = Interpolation.bicubic
    var crops = Crops.center
    var cropInterpolation: Interpolation? = nil

    enum Crops: String, Codable, Sendable, CaseIterable {
        case center
        case random
    }

    init() {}

    static var documentation: [String: String] {
        [
            "resize":
                "what the shorter side becomes before the centre is cut out, in pixels; null for "
                + "256/224 of the encoder's size, or the size itself below 64 (I-JEPA's and StoP's "
                + "1 % numbers have the size itself, 224)",
            "interpolation":
                "how a picture is resized before its centre is cut out (StoP's logistic_eval.py has "
                + "bilinear)",
            "crops":
                "what probes are trained on: center, extracted once, or random, 8 to 100 % of a "
                + "picture and a flip, anew in every epoch (as published: linear, pooled, sweep)",
            "cropInterpolation":
                "how random crops are resampled; null for bicubic (iBOT's probes have bilinear)",
        ]
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
