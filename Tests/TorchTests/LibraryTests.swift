import Foundation
import Testing
import Torch

@Suite("libtorch") struct LibraryTests {
    @Test("is the release that the operators are checked against")
    func version() throws {
        try LibTorch.load()
        #expect(LibTorch.loadedVersion.hasPrefix(LibTorch.version))
        #expect(LibTorch.buildConfiguration.contains("BLAS"))
        let folder = try #require(LibTorch.folder)
        #expect(FileManager.default.fileExists(atPath: folder + "/lib/libtorch_cpu.so"))
        #expect(LibTorch.candidates.contains(folder))
    }

    @Test("does not let threads spin for milliseconds, unless that is asked for")
    func waiting() throws {
        try LibTorch.load()
        #expect(getenv("OMP_WAIT_POLICY") != nil || getenv("GOMP_SPINCOUNT") != nil)
    }
}

@Suite("Settings of libtorch", .serialized) struct SettingsTests {
    @Test("the thread count is what was set, and changes no result of a product")
    func threads() {
        let before = TorchSettings.threadCount
        defer { TorchSettings.threadCount = before }
        let x = Tensor.normal([64, 64], generator: Generator(seed: 1))
        var results: [Tensor] = []
        for count in [1, 2] {
            TorchSettings.threadCount = count
            #expect(TorchSettings.threadCount == count)
            results.append(x.matmul(x))
        }
        #expect((results[0] - results[1]).abs().max().item < 1e-4)
    }

    @Test("denormals are flushed on request")
    func denormals() {
        let small = Tensor([Float(1e-40 as Double)])
        #expect(TorchSettings.flushDenormals(true))
        #expect((small * 0.5).item == 0)
        #expect(TorchSettings.flushDenormals(false))
        #expect((small * 0.5).item > 0)
    }

    @Test("a thread keeps its number of threads, whatever others set before its first operator")
    func threadCountOfThread() {
        final class Found: @unchecked Sendable {
            // Unchecked: written before the signal, read after it.
            var count = 0
        }
        let before = TorchSettings.threadCount
        defer { TorchSettings.threadCount = before }
        let found = Found()
        let steps = (0..<3).map { _ in DispatchSemaphore(value: 0) }
        let thread = Thread {
            TorchSettings.threadCount = 1
            steps[0].signal()
            steps[1].wait()
            found.count = TorchSettings.threadCount
            steps[2].signal()
        }
        thread.start()
        steps[0].wait()
        TorchSettings.threadCount = 3
        steps[1].signal()
        steps[2].wait()
        #expect(found.count == 1)
    }

    @Test("a product of ones is exact whatever the settings of accuracy")
    func accuracy() {
        for on in [true, false] {
            TorchSettings.useDeterministicAlgorithms(on)
            TorchSettings.allowTF32(on)
            let product = Tensor.ones([2, 2]).matmul(Tensor.ones([2, 2]))
            #expect(product.values() == [2, 2, 2, 2] as [Float])
        }
    }

    @Test("the CPU has a name")
    func cpu() {
        #expect(!TorchSettings.cpuDescription.isEmpty)
    }
}
