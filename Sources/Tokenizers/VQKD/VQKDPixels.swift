public import Torch

/// How VQ-KD takes pixels.
public enum VQKDPixels: String, Codable, Sendable, CaseIterable {
    /// From −1 to 1: those of a batch whose values are all 1 at most are taken for 0 … 1, others for
    /// 0 … 255.
    case symmetric
    /// Less the mean of ImageNet, by its deviation, from 0 … 1.
    case imageNet
    /// As they are.
    case none

    /// Pixels for the encoder, `[B, 3, H, W]`.
    public func prepared(_ pictures: Tensor) -> Tensor {
        switch self {
        case .symmetric:
            let bytes = pictures.max().item <= 1 ? pictures * 255 : pictures
            return bytes / 127.5 - 1
        case .imageNet:
            return pictures.standardized(
                mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
        case .none:
            return pictures
        }
    }

    /// Pixels for the teacher CLIP, of those from −1 to 1 for the encoder.
    public static func forCLIP(_ symmetric: Tensor) -> Tensor {
        (((symmetric + 1) * 127.5).clamped(min: 0, max: 255) / 255).standardized(
            mean: [0.48145466, 0.4578275, 0.40821073],
            deviation: [0.26862954, 0.26130258, 0.27577711])
    }
}

extension Tensor {
    /// Each channel of `[B, C, H, W]` less its mean, by its deviation.
    fileprivate func standardized(mean: [Float], deviation: [Float]) -> Tensor {
        let shape = [1, mean.count, 1, 1]
        let (mean, deviation) = (
            Tensor(mean, shape: shape).to(device), Tensor(deviation, shape: shape).to(device)
        )
        return (self - mean) / deviation
    }
}
