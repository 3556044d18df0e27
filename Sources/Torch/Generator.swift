internal import CTorch

/// A source of random numbers for libtorch's operators, with a state that can be saved.
///
/// Weight initialisation, dropout and drop path draw from generators that a run owns. Data, masks
/// and crops do not: they are functions of (seed, purpose, epoch, sample, view).
public final class Generator: @unchecked Sendable {
    // Unchecked: libtorch locks a generator for each draw.
    let handle: ct_generator

    /// The source of layers that draw, in place of their own, within a scope: of a part of a step that is
    /// computed beside others, which would draw in the order of their threads, or of a frozen encoder,
    /// whose draws belong to what is trained on it.
    @TaskLocal package static var scoped: Generator?

    /// A generator on a device, started from a seed.
    public init(seed: UInt64, device: Device = .cpu) {
        var made: ct_generator?
        check(api.generator_make(device.code, seed, &made), in: "generator")
        guard let made else { fatalError("no generator was made") }
        handle = made
    }

    /// A generator on the CPU that draws what one with this state would draw next.
    public convenience init(state: Tensor) {
        self.init(seed: 0)
        self.state = state
    }

    private init(handle: ct_generator) {
        self.handle = handle
    }

    deinit { api.generator_release(handle) }

    /// The generator of operators that are given none.
    public static func `default`(on device: Device = .cpu) -> Generator {
        var found: ct_generator?
        check(api.generator_default(device.code, &found), in: "default generator")
        guard let found else { fatalError("\(device) has no default generator") }
        return Generator(handle: found)
    }

    /// Starts again from a seed.
    public func seed(_ seed: UInt64) {
        check(api.generator_set_seed(handle, seed), in: "generator seed")
    }

    /// The whole state, a vector of bytes; setting it continues the same sequence.
    public var state: Tensor {
        get {
            var state: ct_tensor?
            check(api.generator_state(handle, &state), in: "generator state")
            guard let state else { fatalError("the generator has no state") }
            return Tensor(owning: state)
        }
        set {
            check(
                api.generator_set_state(handle, newValue.handle), in: "generator state",
                arguments: newValue.summary)
        }
    }
}
