import Foundation
import Synchronization
import Testing
import Torch

@Suite("Tensors and memory") struct TensorTests {
    @Test("values survive the way in and out, for every element type")
    func roundTrips() {
        func check<Element: TensorElement & Equatable>(_ values: [Element]) {
            let x = Tensor(values, shape: [2, values.count / 2])
            #expect(x.dtype == Element.dtype && x.values() == values)
            #expect(x.count * x.dtype.byteCount == MemoryLayout<Element>.stride * values.count)
        }
        check([1.5, -2.25, Float.infinity, 0] as [Float])
        check([1.5, -2.25, Double.greatestFiniteMagnitude, 0])
        check([0, 255, 1, 2] as [UInt8])
        check([-128, 127, 0, 1] as [Int8])
        check([.min, .max, 0, 1] as [Int16])
        check([.min, .max, 0, 1] as [Int32])
        check([.min, .max, 0, 1] as [Int64])
        check([.min, .max, 0, 1] as [Int])
        check([true, false, false, true])
    }

    @Test("every type converts to every other", arguments: DType.allCases, DType.allCases)
    func conversions(from: DType, to: DType) {
        let x = Tensor([0.0, 1.0]).to(dtype: from)
        #expect(x.dtype == from && x.to(dtype: to).dtype == to)
        #expect(x.to(dtype: to).values() == [0.0, 1.0])
        #expect(x.to(dtype: from).isIdentical(to: x))
    }

    @Test("rounding to bfloat16 keeps 8 bits of mantissa")
    func bfloat16() {
        let x = Tensor([1 + 0x1p-9, 1 + 0x1p-7, 3.0e38] as [Float]).to(dtype: .bfloat16)
        #expect(
            x.values() == [1, 1 + 0x1p-7, Float(sign: .plus, exponent: 127, significand: 1.765625)])
    }

    @Test("shapes of rank 0 and of no elements")
    func edges() {
        let scalar = Tensor(scalar: 2.5)
        #expect(scalar.shape == [] && scalar.rank == 0 && scalar.count == 1 && scalar.item == 2.5)
        let empty = Tensor([Float](), shape: [0, 3])
        #expect(empty.count == 0 && empty.values(as: Float.self).isEmpty && empty.shape2 == (0, 3))
        empty.withUnsafeBytes { #expect($0.isEmpty) }
        #expect(Tensor.zeros([2, 3, 4]).shape3 == (2, 3, 4))
        #expect(Tensor.zeros([2, 3, 4, 5]).shape4 == (2, 3, 4, 5))
    }

    @Test("a description names shape, type and the first elements")
    func description() {
        #expect(Tensor([1.0, 2.5]).description == "Tensor([2] float64: 1, 2.5)")
        #expect(
            Tensor.range(0..<9).description == "Tensor([9] int64: 0, 1, 2, 3, 4, 5, 6, 7, …)")
        #expect(Tensor.zeros([0, 2]).description == "Tensor([0, 2] float32: )")
        #expect(Tensor(scalar: true).description == "Tensor([] bool: 1)")
    }

    @Test("values of views follow the strides")
    func stridedValues() {
        let x = Tensor.range(0..<6).reshaped(2, 3)
        #expect(x.transposed().values() == [0, 3, 1, 4, 2, 5])
        #expect(x[0..., 1].values() == [1, 4])
        #expect(x[1].strides == [1] && x[0..., 1].strides == [3])
    }

    @Test("bytes are read and written in place")
    func bytes() {
        let x = Tensor([1, 2] as [Int16])
        x.withUnsafeMutableBytes { $0.storeBytes(of: 77, toByteOffset: 2, as: Int16.self) }
        #expect(x.values() == [1, 77] as [Int16])
        #expect(x.withUnsafeBytes { Array($0) } == [1, 0, 77, 0])
    }

    @Test("shared memory is neither copied nor released before the last tensor is gone")
    func sharing() async {
        let releases = Releases()
        do {
            let memory = SharedFloats(count: 6, releases: releases)
            memory.base[4] = 4
            var view: Tensor? = Tensor(
                sharing: memory.base, shape: [2, 3], dtype: .float32, owner: memory)[1]
            #expect(view?.values() == [0, 4, 0] as [Float])
            view?.fillInPlace(9)
            #expect(memory.base[3] == 9)
            #expect(releases.count == 0)
            view = nil
        }
        #expect(releases.count == 1)
    }

    @Test("shared memory is released once, on whichever thread comes last")
    func releaseElsewhere() {
        let releases = Releases()
        func make() -> Tensor {
            let memory = SharedFloats(count: 2, releases: releases)
            return Tensor(sharing: memory.base, shape: [2], dtype: .float32, owner: memory)
        }
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var last: Tensor? = make()
        #expect(releases.count == 0)
        Thread {
            withExtendedLifetime(last) {}
            last = nil
            done.signal()
        }.start()
        done.wait()
        #expect(releases.count == 1)
    }

    @Test("shared memory of no elements is released too")
    func emptySharing() {
        let releases = Releases()
        do {
            let memory = SharedFloats(count: 1, releases: releases)
            let x = Tensor(sharing: memory.base, shape: [0], dtype: .float32, owner: memory)
            #expect(x.count == 0)
        }
        #expect(releases.count == 1)
    }
}

@Suite("Copies and creation") struct TensorCreationTests {
    @Test("clones, detached tensors and copies in place")
    func copies() {
        let x = Tensor([1.0, 2.0]).requiringGrad()
        let (same, copy) = (x.detached(), x.detached().clone())
        same.fillInPlace(5)
        #expect(x.values() == [5.0, 5.0] && copy.values() == [1.0, 2.0])
        #expect(!same.requiresGrad)
        copy.copyInPlace(Tensor([7] as [Float]))
        #expect(copy.values() == [7.0, 7.0])
        copy.zeroInPlace()
        #expect(copy.values() == [0.0, 0.0])
        #expect(x.to(.cpu).isIdentical(to: x) && x.device == .cpu && x.device.memory == nil)
        Device.cpu.synchronize()
    }

    @Test("constants and ranges")
    func constants() {
        #expect(Tensor.zeros([2], dtype: .int32).values() == [0, 0] as [Int32])
        #expect(Tensor.ones([2]).values() == [1, 1] as [Float])
        #expect(Tensor.full([2], 2.5, dtype: .float64).values() == [2.5, 2.5])
        #expect(Tensor.full([1], 3, dtype: .int64).dtype == .int64)
        #expect(Tensor.range(-1..<3).values() == [-1, 0, 1, 2])
        #expect(Tensor.range(0..<2, dtype: .float32).values() == [0, 1] as [Float])
        #expect(Tensor.range(2..<2).count == 0)
        #expect(
            Tensor.linspace(0, 1, count: 5, dtype: .float64).values() == [0, 0.25, 0.5, 0.75, 1])
        #expect(Tensor.identity(2, dtype: .int64).values() == [1, 0, 0, 1])
        let like = Tensor.empty([3, 2], dtype: .float16)
        #expect(like.shape == [3, 2] && like.dtype == .float16)
        #expect(Tensor.zeros(like: like).values() == [Float](repeating: 0, count: 6))
        #expect(Tensor.empty(like: like).shape == [3, 2])
    }
}

/// Counts how often memory was released.
private final class Releases: Sendable {
    private let releases = Atomic(0)
    var count: Int { releases.load(ordering: .sequentiallyConsistent) }
    func add() { releases.add(1, ordering: .sequentiallyConsistent) }
}

private final class SharedFloats {
    let base: UnsafeMutablePointer<Float>
    private let releases: Releases

    init(count: Int, releases: Releases) {
        base = .allocate(capacity: count)
        base.initialize(repeating: 0, count: count)
        self.releases = releases
    }

    deinit {
        base.deallocate()
        releases.add()
    }
}
