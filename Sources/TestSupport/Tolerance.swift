internal import TensorFiles

/// How far an element may be from the recorded one: |found − expected| ≤ atol + rtol |expected| +
/// ofMaximum · max |expected|.
public struct Tolerance: Sendable {
    public var atol = 0.0
    public var rtol = 0.0
    /// A share of the largest magnitude in the recorded tensor.
    public var ofMaximum = 0.0

    public init(atol: Double = 0, rtol: Double = 0, ofMaximum: Double = 0) {
        self.atol = atol
        self.rtol = rtol
        self.ofMaximum = ofMaximum
    }

    public static let exact = Tolerance()

    public static func absolute(_ atol: Double) -> Tolerance { Tolerance(atol: atol) }

    public static func relative(_ rtol: Double) -> Tolerance { Tolerance(rtol: rtol) }

    public static func ofMaximum(_ share: Double) -> Tolerance { Tolerance(ofMaximum: share) }
}

extension Tolerance {
    /// What the README of a family says of a tensor of a case; whole numbers must be equal.
    ///
    /// Where a README has another limit for a single case, the test gives it.
    public static func suggested(for name: String, of item: ParityCase) throws -> Tolerance {
        guard try item.file().tensor(name).elementType.isFloatingPoint else { return .exact }
        switch item.family {
        case "beyondcls":
            // Ten times the difference that the reference showed between fp32 and fp64.
            let differences = "f32_vs_f64_max_abs"
            let config = try item.config
            guard config.contains(differences), try config.object(differences).contains(name)
            else { return Tolerance(atol: 1e-5, rtol: 1e-4) }
            let measured = try config.object(differences).double(name)
            return Tolerance(atol: max(10 * measured, 1e-6), rtol: 1e-4)
        case "ibot":
            if name.hasPrefix("out64/") { return .relative(1e-12) }
            if name.hasPrefix("grad/") { return .ofMaximum(1e-4) }
            return name.contains("loss") ? .relative(1e-5) : .absolute(1e-4)
        case "stop":
            return .ofMaximum(2e-5)
        default:
            return .absolute(1e-5)
        }
    }
}
