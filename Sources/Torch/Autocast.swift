internal import CTorch

/// Runs `body` with matrix products and convolutions in a lower precision, everything that needs
/// the range or the accuracy in fp32 (libtorch's automatic mixed precision).
///
/// The lower precision is `.bfloat16`, or on CUDA `.float16`; nil changes nothing. Only operators on
/// `device` are cast.
///
/// A weight is cast once and kept until the end, for its next use. All threads share what is kept, so
/// threads that work at the same time do without (`sharesCasts`): whether a use meets the cast of
/// another thread would decide in which type its gradients are added.
public func autocast<Result, Failure: Error>(
    to dtype: DType?, on device: Device, sharesCasts: Bool = true,
    _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    guard let dtype else { return try body() }
    let shared = api.set_autocast_cache(sharesCasts)
    defer { _ = api.set_autocast_cache(shared) }
    var wasEnabled = false
    var before: Int32 = 0
    check(api.autocast(device.kind, &wasEnabled, &before), in: "autocast")
    check(
        api.set_autocast(device.kind, true, dtype.rawValue), in: "autocast",
        arguments: "\(dtype) on \(device)")
    defer {
        check(api.set_autocast(device.kind, wasEnabled, before), in: "autocast")
        // The cache holds casts of the weights, which the next optimiser step makes stale.
        if !wasEnabled { api.clear_autocast_cache() }
    }
    return try body()
}

/// Runs `body` in the precision of its tensors, also inside `autocast`.
///
/// For products whose rounding would count: of logits that are divided by a small temperature.
public func withoutAutocast<Result, Failure: Error>(
    on device: Device, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    var wasEnabled = false
    var type: Int32 = 0
    check(api.autocast(device.kind, &wasEnabled, &type), in: "autocast")
    guard wasEnabled else { return try body() }
    check(api.set_autocast(device.kind, false, type), in: "autocast")
    defer { check(api.set_autocast(device.kind, true, type), in: "autocast") }
    return try body()
}
