internal import CTorch

extension Tensor {
    /// Whether operators on the tensor are recorded for differentiation.
    public var requiresGrad: Bool { api.requires_grad(handle) }

    /// Sets whether operators on the tensor are recorded, and returns the tensor.
    @discardableResult
    public func requiringGrad(_ value: Bool = true) -> Tensor {
        check(api.set_requires_grad(handle, value), in: "requires_grad", arguments: summary)
        return self
    }

    /// The gradient that `backward` collected, or nil.
    public var gradient: Tensor? {
        get { api.gradient(handle).map(Tensor.init(owning:)) }
        nonmutating set {
            check(
                api.set_gradient(handle, newValue?.handle), in: "grad",
                arguments: newValue?.summary ?? "none")
        }
    }

    /// Adds the derivative of this scalar with respect to every leaf that requires it to the leaf's
    /// `gradient`.
    ///
    /// A tensor that is no scalar needs the vector `cotangent` to multiply the Jacobian with.
    public func backward(_ cotangent: Tensor? = nil, retainGraph: Bool = false) {
        var root: ct_tensor? = handle
        var seed = cotangent?.handle
        let status = withExtendedLifetime(cotangent) {
            cotangent == nil
                ? api.backward(&root, nil, 1, retainGraph)
                : api.backward(&root, &seed, 1, retainGraph)
        }
        check(status, in: "backward", arguments: summary)
    }
}

/// The derivatives of the scalar `output` with respect to `inputs`, nil where there is none.
///
/// Nothing is added to any `gradient`.
public func gradients(
    of output: Tensor, withRespectTo inputs: [Tensor], retainGraph: Bool = false,
    createGraph: Bool = false
) -> [Tensor?] {
    var root: ct_tensor? = output.handle
    let handles: [ct_tensor?] = inputs.map(\.handle)
    var found = [ct_tensor?](repeating: nil, count: inputs.count)
    let status = withExtendedLifetime(inputs) {
        api.grad(
            &root, nil, 1, handles, Int64(handles.count), retainGraph, createGraph, &found)
    }
    check(status, in: "grad", arguments: output.summary)
    return found.map { $0.map(Tensor.init(owning:)) }
}

/// Runs `body` without recording operators for differentiation.
///
/// The closure is synchronous: the setting belongs to the thread, and an `await` could resume on
/// another one.
public func noGrad<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let before = api.grad_mode()
    api.set_grad_mode(false)
    defer { api.set_grad_mode(before) }
    return try body()
}

/// Runs `stage` without keeping its intermediate results, and again in the backward pass.
///
/// Less memory for a third more computation: Chen, Xu, Zhang and Guestrin, *Training Deep Nets with
/// Sublinear Memory Cost* (2016).
///
/// Numbers and gradients are those of the plain stage to the bit; it simply runs where nothing is recorded.
/// There are no gradients of gradients.
///
/// - Parameters:
///   - inputs: what the stage is given; others that it uses get no gradient.
///   - parameters: the leaves beside them that it uses itself and that are to have one.
///   - stage: draws the same random numbers both times.
/// - Returns: what the stage made.
public func checkpointed(
    _ inputs: [Tensor], parameters: [Tensor], _ stage: @escaping ([Tensor]) -> Tensor
) -> Tensor {
    guard api.grad_mode() else { return stage(inputs) }
    final class Box {
        let stage: ([Tensor]) -> Tensor
        init(_ stage: @escaping ([Tensor]) -> Tensor) { self.stage = stage }
    }
    let context = Unmanaged.passRetained(Box(stage)).toOpaque()
    let handles: [ct_tensor?] = inputs.map(\.handle)
    let trained: [ct_tensor?] = parameters.map(\.handle)
    var made: ct_tensor?
    let status = withExtendedLifetime((inputs, parameters)) {
        api.checkpoint(
            { context, inputs, count in
                guard let context, let inputs else { return nil }
                let tensors = (0..<Int(count)).compactMap { index in
                    inputs[index].map { handle in
                        api.tensor_retain(handle)
                        return Tensor(owning: handle)
                    }
                }
                let box = Unmanaged<Box>.fromOpaque(context).takeUnretainedValue()
                let result = box.stage(tensors)
                api.tensor_retain(result.handle)
                return result.handle
            }, context,
            { context in
                if let context { Unmanaged<Box>.fromOpaque(context).release() }
            }, handles, Int64(handles.count), trained, Int64(trained.count), &made)
    }
    check(status, in: "checkpoint", arguments: inputs.map(\.summary).joined(separator: ", "))
    guard let made else { fatalError("checkpoint returned no tensor") }
    return Tensor(owning: made)
}
