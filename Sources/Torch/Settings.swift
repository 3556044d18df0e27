internal import CTorch
internal import Foundation

/// Settings of libtorch for the whole process.
public enum TorchSettings {
    /// How many threads one operator may use on the CPU.
    public static var threadCount: Int {
        get { Int(api.thread_count()) }
        set { check(api.set_thread_count(Int32(newValue)), in: "set_num_threads") }
    }

    /// Treats numbers below the smallest normal one as zero, and returns whether the CPU can.
    ///
    /// They are of no use in training, and operators on them are up to a hundred times slower.
    @discardableResult
    public static func flushDenormals(_ on: Bool) -> Bool { api.set_flush_denormal(on) }

    /// Allows only operators whose results do not depend on the order in which threads finish.
    ///
    /// An operator that has no such form on a GPU then fails.
    public static func useDeterministicAlgorithms(_ on: Bool) {
        check(api.set_deterministic(on), in: "deterministic")
    }

    /// Lets CUDA round the inputs of fp32 matrix products to TF32: faster, ten bits of mantissa.
    public static func allowTF32(_ on: Bool) {
        check(api.set_tf32(on), in: "tf32")
    }

    /// Whether linear layers on the CPU run through oneDNN instead of the BLAS.
    ///
    /// The default goes by the vendor of the CPU: MKL, libtorch's BLAS, takes its slow path on
    /// anything but Intel's, where oneDNN is two to three times as fast; on Intel's both are about
    /// equal. It is not measured at start, because two runs on one machine must not differ.
    /// `TESSERA_LINEAR=onednn` or `blas` overrides.
    public static let linearUsesOneDNN: Bool = {
        switch ProcessInfo.processInfo.environment["TESSERA_LINEAR"] {
        case "onednn": return true
        case "blas": return false
        default: return !cpuDescription.contains("Intel")
        }
    }()

    /// What `linear` does inside `linear(throughOneDNN:)`, in place of the setting.
    @TaskLocal static var linearOverride: Bool?

    /// Runs `body` with linear layers on the CPU through oneDNN, or through the BLAS: for tests and
    /// benchmarks that look at both ways.
    package static func linear<Result>(
        throughOneDNN: Bool, _ body: () throws -> Result
    ) rethrows -> Result {
        try $linearOverride.withValue(throughOneDNN, operation: body)
    }

    /// Whether the CPU has instructions for products of bf16 matrices; without them libtorch
    /// emulates, several times slower than fp32.
    public static let cpuHasBFloat16: Bool = {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
            let flags = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
        else { return false }
        return flags.contains("avx512_bf16") || flags.contains("amx_bf16")
    }()

    /// The name of the CPU as the system gives it.
    public static let cpuDescription: String = {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
            let name = line.split(separator: ":").last
        else { return "unknown CPU" }
        return name.trimmingCharacters(in: .whitespaces)
    }()
}
