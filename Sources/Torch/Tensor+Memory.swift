enum Memory {
    static let toDevice = Op("aten::to.device")
    static let toDType = Op("aten::to.dtype")
    static let viewDType = Op("aten::view.dtype")
    static let clone = Op("aten::clone")
    static let contiguous = Op("aten::contiguous")
    static let detach = Op("aten::detach")
    static let copyInPlace = Op("aten::copy_")
    static let fillInPlace = Op("aten::fill_.Scalar")
    static let zeroInPlace = Op("aten::zero_")
    static let pinMemory = Op("aten::pin_memory")
    static let setData = Op("aten::set_data")
}

extension Tensor {
    /// The tensor with another element type; itself where it has that type already.
    public func to(dtype: DType) -> Tensor {
        guard self.dtype != dtype else { return self }
        return Memory.toDType(.tensor(self), .dtype(dtype))
    }

    /// The same memory, taken to hold another type.
    package func reinterpreted(as dtype: DType) -> Tensor {
        Memory.viewDType(.tensor(self), .dtype(dtype))
    }

    /// The tensor on another device; itself where it is there already.
    ///
    /// With `nonBlocking` a copy from pinned memory to a GPU does not wait for its end.
    public func to(_ device: Device, nonBlocking: Bool = false) -> Tensor {
        guard self.device != device else { return self }
        return Memory.toDevice(
            .tensor(self), .device(device), .dtype(dtype), .bool(nonBlocking))
    }

    /// The tensor on another device, without waiting for what a GPU still has to do.
    ///
    /// A copy to a GPU from ordinary memory waits for everything before it, one from page-locked
    /// memory does not; so the tensor goes through that.
    public func sent(to device: Device) -> Tensor {
        guard self.device == .cpu, device != .cpu else { return to(device) }
        return pinned().to(device, nonBlocking: true)
    }

    /// The same tensor in page-locked memory, which GPUs read without the CPU.
    public func pinned() -> Tensor { Memory.pinMemory(.tensor(self)) }

    /// A copy with memory of its own.
    public func clone() -> Tensor { Memory.clone(.tensor(self)) }

    /// The tensor in row-major order; itself where it is already.
    public func contiguous() -> Tensor {
        isContiguous ? self : Memory.contiguous(.tensor(self))
    }

    /// The same memory, outside the graph of recorded operators.
    public func detached() -> Tensor { Memory.detach(.tensor(self)) }

    /// Overwrites the elements with those of another tensor, which is broadcast and converted.
    public func copyInPlace(_ source: Tensor) {
        Memory.copyInPlace.run(.tensor(self), .tensor(source))
    }

    public func fillInPlace(_ value: Double) {
        Memory.fillInPlace.run(.tensor(self), .double(value))
    }

    public func zeroInPlace() { Memory.zeroInPlace.run(.tensor(self)) }
}

extension Tensor {
    /// Makes this tensor refer to the memory of another one, with its shape, type and device.
    ///
    /// The tensor stays the same object: whoever holds it sees the new memory.
    package func replaceMemoryInPlace(with other: Tensor) {
        Memory.setData.run(.tensor(self), .tensor(other), capacity: 1)
    }
}
