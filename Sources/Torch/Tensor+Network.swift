internal import CTorch

enum Network {
    static let linear = Op("aten::linear")
    static let layerNorm = Op("aten::layer_norm")
    static let batchNorm = Op("aten::native_batch_norm")
    static let conv2d = Op("aten::conv2d")
    static let gelu = Op("aten::gelu")
    static let relu = Op("aten::relu")
    static let sigmoid = Op("aten::sigmoid")
    static let silu = Op("aten::silu")
    static let softmax = Op("aten::softmax.int")
    static let logSoftmax = Op("aten::log_softmax.int")
    static let attention = Op("aten::scaled_dot_product_attention")
    static let crossEntropy = Op("aten::cross_entropy_loss")
    static let binaryCrossEntropy = Op("aten::binary_cross_entropy_with_logits")
    static let meanSquaredError = Op("aten::mse_loss")
    static let smoothL1 = Op("aten::smooth_l1_loss")
    static let bicubic = Op("aten::upsample_bicubic2d")
    static let pixelShuffle = Op("aten::pixel_shuffle")
    static let bilinear = Op("aten::upsample_bilinear2d")
    static let smoothBilinear = Op("aten::_upsample_bilinear2d_aa")
}

extension Tensor {
    /// `x Wᵀ + b` over the last dimension: `[…, in] -> […, out]`.
    ///
    /// On the CPU through oneDNN where that is faster (`TorchSettings.linearUsesOneDNN`), equal to
    /// the other way within the rounding of fp32. Where the CPU has no instructions for bf16, such
    /// products are computed in fp32 and rounded, instead of emulated at a third of the speed.
    public func linear(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
        guard device == .cpu, dtype != .float64 else {
            return Network.linear(.tensor(self), .tensor(weight), .optional(bias))
        }
        let usesOneDNN = TorchSettings.linearOverride ?? TorchSettings.linearUsesOneDNN
        let widens = !TorchSettings.cpuHasBFloat16 && multipliesInBFloat16
        guard usesOneDNN || widens else {
            return Network.linear(.tensor(self), .tensor(weight), .optional(bias))
        }
        return linear(weight, bias, throughOneDNN: usesOneDNN, widening: widens)
    }

    /// `linear` on the CPU through our own autograd function.
    ///
    /// `widening` computes products of bf16 in fp32.
    package func linear(
        _ weight: Tensor, _ bias: Tensor?, throughOneDNN: Bool, widening: Bool = false
    ) -> Tensor {
        var made: ct_tensor?
        let status = withExtendedLifetime((self, weight, bias)) {
            api.linear(handle, weight.handle, bias?.handle, throughOneDNN, widening, &made)
        }
        check(
            status, in: "linear",
            arguments: "\(summary), \(weight.summary), \(bias?.summary ?? "none")")
        guard let made else { fatalError("linear returned no tensor") }
        return Tensor(owning: made)
    }

    /// Whether matrix products with the tensor are in bf16, by its type or by autocast.
    private var multipliesInBFloat16: Bool {
        if dtype == .bfloat16 { return true }
        var isEnabled = false
        var type: Int32 = 0
        check(api.autocast(Device.cpu.kind, &isEnabled, &type), in: "autocast")
        return isEnabled && type == DType.bfloat16.rawValue
    }

    /// Each vector of the last dimension at zero mean and unit (biased) variance, then scaled and
    /// shifted where a weight and a bias are given.
    public func layerNorm(_ weight: Tensor?, _ bias: Tensor?, eps: Double) -> Tensor {
        Network.layerNorm(
            .tensor(self), .ints([shape[rank - 1]]), .optional(weight), .optional(bias),
            .double(eps))
    }

    /// Batch normalisation of `[B, D]` or `[B, D, …]` over all but dimension 1.
    ///
    /// With `training` the statistics are the batch's, and the running ones move towards them by
    /// `momentum`, the variance by its unbiased estimate; else the running ones are used.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, runningMean: Tensor, runningVariance: Tensor,
        training: Bool, momentum: Double, eps: Double
    ) -> Tensor {
        let results = Network.batchNorm.tensors(
            .tensor(self), .optional(weight), .optional(bias), .tensor(runningMean),
            .tensor(runningVariance), .bool(training), .double(momentum), .double(eps),
            capacity: 3)
        guard let output = results[0] else { fatalError("native_batch_norm returned nothing") }
        return output
    }

    /// A two-dimensional convolution of `[B, C, H, W]`.
    public func conv2d(_ weight: Tensor, _ bias: Tensor?, stride: Int = 1, padding: Int = 0)
        -> Tensor
    {
        Network.conv2d(
            .tensor(self), .tensor(weight), .optional(bias), .ints([stride, stride]),
            .ints([padding, padding]))
    }

    /// x · Φ(x), by the error function, not its tanh approximation.
    public func gelu() -> Tensor { Network.gelu(.tensor(self)) }

    /// The tanh approximation of `gelu()`: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).
    public func tanhGELU() -> Tensor { Network.gelu(.tensor(self), .string("tanh")) }

    public func relu() -> Tensor { Network.relu(.tensor(self)) }

    /// 1 / (1 + e⁻ˣ).
    public func sigmoid() -> Tensor { Network.sigmoid(.tensor(self)) }

    /// x · σ(x).
    public func silu() -> Tensor { Network.silu(.tensor(self)) }

    public func softmax(_ dim: Int) -> Tensor { Network.softmax(.tensor(self), .int(dim)) }

    public func logSoftmax(_ dim: Int) -> Tensor { Network.logSoftmax(.tensor(self), .int(dim)) }

    /// Softmax(q kᵀ · scale + bias) v by the fused kernel; `self` is q, all are `[B, H, N, d]`.
    ///
    /// The bias, of a shape that `[B, H, N, N]` can be expanded from, is brought to the type of q.
    public func attention(
        _ keys: Tensor, _ values: Tensor, scale: Double, bias: Tensor? = nil
    ) -> Tensor {
        Network.attention(
            .tensor(self), .tensor(keys), .tensor(values),
            .optional(bias?.to(dtype: dtype)), .double(0), .bool(false), .double(scale))
    }

    /// The mean over the batch of −log softmax(self)[target].
    ///
    /// `targets` are class numbers `[B]` or probabilities `[B, K]`; `smoothing` is the share of the
    /// target that is spread over all classes.
    public func crossEntropy(_ targets: Tensor, smoothing: Double = 0) -> Tensor {
        Network.crossEntropy(
            .tensor(self), .tensor(targets), .none, .int(1), .int(-100), .double(smoothing))
    }

    /// −y log σ(self) − (1 − y) log(1 − σ(self)) of every element, for targets y from 0 to 1.
    public func binaryCrossEntropies(_ targets: Tensor) -> Tensor {
        Network.binaryCrossEntropy(.tensor(self), .tensor(targets), .none, .none, .int(0))
    }

    /// The mean of e².
    public func meanSquaredError(_ target: Tensor) -> Tensor {
        Network.meanSquaredError(.tensor(self), .tensor(target), .int(1))
    }

    /// The mean of ½ e² / beta where |e| < beta, else |e| − ½ beta.
    public func smoothL1(_ target: Tensor, beta: Double = 1) -> Tensor {
        Network.smoothL1(.tensor(self), .tensor(target), .int(1), .double(beta))
    }

    /// `[B, C, H, W]` at another size by bicubic interpolation (a = −0.75), pixels as areas
    /// (align_corners off), without a low-pass filter.
    ///
    /// `scale` holds the (vertical, horizontal) factors of the map of coordinates, source =
    /// (x + ½) / scale − ½; nil takes the ratio of the sizes.
    public func resizedBicubic(height: Int, width: Int, scale: (Double, Double)? = nil) -> Tensor {
        Network.bicubic(
            .tensor(self), .ints([height, width]), .bool(false), .optional(scale?.0),
            .optional(scale?.1))
    }

    /// `[B, C r², H, W]` as `[B, C, r H, r W]`: channel c r² + r i + j goes to row i and column j of
    /// its cell.
    public func pixelShuffled(_ r: Int) -> Tensor {
        Network.pixelShuffle(.tensor(self), .int(r))
    }

    /// `[B, C, H, W]` at another size by bilinear interpolation of the four nearest pixels, pixels as
    /// areas (align_corners off).
    ///
    /// - Parameters:
    ///   - height: rows of the result.
    ///   - width: columns of the result.
    ///   - scale: the factors of the coordinates, rows first; nil takes the quotients of the sizes.
    /// - Returns: `[B, C, height, width]`.
    public func interpolatedBilinear(
        height: Int, width: Int, scale: (Double, Double)? = nil
    ) -> Tensor {
        Network.bilinear(
            .tensor(self), .ints([height, width]), .bool(false), .optional(scale?.0),
            .optional(scale?.1))
    }

    /// `[B, C, H, W]` at another size by bilinear interpolation, pixels as areas (align_corners
    /// off), with a filter as wide as the shrinkage.
    public func resizedBilinear(height: Int, width: Int) -> Tensor {
        Network.smoothBilinear(.tensor(self), .ints([height, width]), .bool(false))
    }
}
