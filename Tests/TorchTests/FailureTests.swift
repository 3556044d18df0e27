import Foundation
import Testing
import Torch

/// Each test runs in a process of its own, because what it shows ends the process.
@Suite("Failures") struct FailureTests {
    @Test("a wrong shape stops with the operator, the shapes and libtorch's reason")
    func wrongShape() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor.zeros([2, 5]).matmul(Tensor.zeros([4, 4], dtype: .float32))
        }
        expectText(
            result, "aten::matmul([2, 5] float32, [4, 4] float32)",
            "mat1 and mat2 shapes cannot be multiplied (2x5 and 4x4)")
    }

    @Test("a handler of the program's own gets the failure and decides how to end")
    func handler() async {
        let result = await #expect(
            processExitsWith: .exitCode(70), observing: [\.standardErrorContent]
        ) {
            TorchFailureHandler.install { failure in
                printToStandardError("advice for \(failure.operation) of \(failure.arguments)")
                exit(70)
            }
            _ = Tensor.zeros([2]).reshaped(3)
        }
        expectText(result, "advice for aten::reshape of [2] float32, [3]")
    }

    @Test("running out of memory is told apart")
    func outOfMemory() async {
        await #expect(processExitsWith: .exitCode(71)) {
            TorchFailureHandler.install { exit($0.isOutOfMemory ? 71 : 1) }
            _ = Tensor.zeros([1 << 45])
        }
    }

    @Test("a broken guarantee of our own code stops with its message, in any build")
    func require() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor.zeros([2, 3]).shape3
        }
        expectText(result, "expected a tensor of rank 3, found [2, 3] float32")
    }

    @Test("memory of another length than the shape needs stops")
    func wrongLength() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor([1, 2, 3] as [Float], shape: [2, 2])
        }
        expectText(result, "12 bytes do not fill [2, 2] float32, which takes 16")
    }

    @Test("without libtorch, loading throws what was tried and what to do")
    func noLibTorch() async {
        let result = await #expect(
            processExitsWith: .exitCode(3), observing: [\.standardErrorContent]
        ) {
            setenv("LIBTORCH", "/nowhere/libtorch", 1)
            do {
                try LibTorch.load()
            } catch {
                printToStandardError("\(error)")
                exit(3)
            }
        }
        expectText(
            result,
            "libtorch was not found in /nowhere/libtorch: run `make setup` (Tessera's "
                + "scripts/setup), or set LIBTORCH to a folder with lib/libtorch_cpu.so")
    }

    @Test("a file that is no library is refused with the loader's reason")
    func brokenLibTorch() async {
        let result = await #expect(
            processExitsWith: .exitCode(3), observing: [\.standardErrorContent]
        ) {
            let folder = NSTemporaryDirectory() + "broken-libtorch-\(getpid())"
            try FileManager.default.createDirectory(
                atPath: folder + "/lib", withIntermediateDirectories: true)
            for name in ["libc10.so", "libtorch_cpu.so"] {
                try Data("no library".utf8).write(to: URL(fileURLWithPath: "\(folder)/lib/\(name)"))
            }
            setenv("LIBTORCH", folder, 1)
            do {
                try LibTorch.load()
            } catch {
                printToStandardError("\(error)")
                try? FileManager.default.removeItem(atPath: folder)
                exit(3)
            }
        }
        expectText(result, "could not be opened", "libc10.so", "needs libtorch \(LibTorch.version)")
    }

    private func expectText(
        _ result: ExitTest.Result?, _ parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        for part in parts {
            #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation)
        }
    }
}

private func printToStandardError(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
}
