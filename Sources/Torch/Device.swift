internal import CTorch

/// Where a tensor lies: the CPU or one CUDA GPU.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    /// How many CUDA GPUs libtorch can use; 0 with a CPU build.
    public static var cudaCount: Int { Int(api.cuda_device_count()) }

    /// Waits until all work on the device is done; on the CPU there is nothing to wait for.
    public func synchronize() {
        guard case .cuda(let index) = self else { return }
        check(api.cuda_synchronize(Int32(index)), in: "synchronize")
    }

    /// Bytes that tensors hold on a GPU, now and at most so far; nil on the CPU.
    public var memory: (allocated: Int, peak: Int)? {
        guard case .cuda(let index) = self else { return nil }
        var allocated: Int64 = 0
        var peak: Int64 = 0
        guard api.cuda_memory(Int32(index), &allocated, &peak) == 0 else { return nil }
        return (Int(allocated), Int(peak))
    }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    /// `c10::DeviceType << 8 | index + 1`; the CPU has no index.
    var code: Int64 {
        switch self {
        case .cpu: 0 << 8 | 0
        case .cuda(let index): 1 << 8 | Int64(index + 1)
        }
    }

    init(code: Int64) {
        self = code >> 8 == 1 ? .cuda(max(0, Int(code & 0xff) - 1)) : .cpu
    }

    /// libtorch's number of the kind of device, as autocast wants it.
    var kind: Int32 { self == .cpu ? 0 : 1 }
}
