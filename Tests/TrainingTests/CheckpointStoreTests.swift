import Foundation
import NN
import Optimizers
import TensorFiles
import Testing
import Torch

@testable import Training

@Suite("Checkpoints of a run") struct CheckpointStoreTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func state(step: Int) -> TrainingState {
        let generator = Generator(seed: UInt64(step))
        let model = Linear(7, 5, generator: generator)
        return TrainingState(
            step: step, model: model, optimizer: AdamW([ParameterGroup(model.namedParameters)]),
            scaler: nil, generator: generator)
    }

    private func store(keep: Int = 9) -> CheckpointStore { CheckpointStore(folder.url, keep: keep) }

    /// Changes one byte in the middle of the last tensor.
    private func damage(_ url: URL) throws {
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count - 40] ^= 1
        try bytes.write(to: url)
    }

    @Test("the newest and `keep` more stay", arguments: [1, 2, 3, 9])
    func rotation(keep: Int) throws {
        let steps = [0, 5, 10, 15, 20, 25]
        for (index, step) in steps.enumerated() {
            let url = try store(keep: keep).save(state(step: step))
            #expect(
                url.lastPathComponent == "step-0000\(step < 10 ? "000" : "00")\(step).safetensors")
            #expect(try SafeTensorsFile(path: url.path).verify())
            let written = steps[...index].suffix(keep + 1)
            #expect(store().all().map(\.step) == written.reversed())
        }
    }

    @Test("checkpoints are ordered by number, and other files are none")
    func order() throws {
        for name in [
            "step-00000005.safetensors", "step-99999999.safetensors", "step-100000000.safetensors",
            "step-x.safetensors", "step-00000007.pth", "best.safetensors", ".step-8.safetensors",
        ] { try Data().write(to: folder.file(name)) }
        #expect(store().all().map(\.step) == [100_000_000, 99_999_999, 5])
        let missing = CheckpointStore(folder.file("none"), keep: 1)
        #expect(missing.all().isEmpty && missing.newest() == nil)
    }

    @Test("a damaged newest file is passed over and reported")
    func damaged() throws {
        for step in [1, 2, 3] { try store().save(state(step: step)) }
        let files = store().all().map(\.url)
        #expect(store().newest() == files[0])
        try damage(files[0])
        var reported: [(URL, any Error)] = []
        #expect(store().newest { reported.append(($0, $1)) } == files[1])
        #expect(reported.map(\.0) == [files[0]])
        #expect((reported.first?.1 as? TensorFileError)?.kind == .checksum)
        for file in files.dropFirst() { try damage(file) }
        #expect(store().newest() == nil)
    }

    @Test("a newest file that was cut anywhere is passed over")
    func truncated() throws {
        for step in [1, 2] { try store().save(state(step: step)) }
        let files = store().all().map(\.url)
        let whole = try Data(contentsOf: files[0])
        for length in [0, 4, 8, 100, whole.count / 2, whole.count - 1] {
            try whole.prefix(length).write(to: files[0])
            #expect(store().newest() == files[1], "\(length) bytes")
        }
        try whole.write(to: files[0])
        #expect(store().newest() == files[0])
    }

    @Test("a file that another program wrote is no checkpoint")
    func foreign() throws {
        let json = #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}    "#
        let size = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) }
        try (size + Data(json.utf8) + Data(count: 4))
            .write(to: folder.file("step-00000001.safetensors"))
        var messages: [String] = []
        #expect(store().newest { messages.append("\($1)") } == nil)
        #expect(messages.count == 1)
        #expect(messages.first?.hasSuffix("has no checksum: it was not written by a run") == true)
    }

    @Test("saving removes what a killed process left, and nothing else")
    func leftovers() throws {
        let left = ".step-00000003.safetensors.4242-1.tmp"
        for name in [left, ".hidden", "notes.txt"] { try Data([1]).write(to: folder.file(name)) }
        try store().save(state(step: 1))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(Set(names) == [".hidden", "notes.txt", "step-00000001.safetensors"])
    }

    @Test("a failed save leaves all older checkpoints")
    func failedSave() throws {
        for step in [1, 2] { try store(keep: 1).save(state(step: step)) }
        // A folder stands where the file should go.
        try FileManager.default.createDirectory(
            at: folder.file("step-00000003.safetensors/x"), withIntermediateDirectories: true)
        let error = #expect(throws: TensorFileError.self) {
            try store(keep: 1).save(state(step: 3))
        }
        #expect(error?.kind == .unwritable)
        #expect(store().newest()?.lastPathComponent == "step-00000002.safetensors")
        #expect(store().all().map(\.step) == [3, 2, 1])
    }

    @Test("damaged files of later steps never push out what was just saved")
    func damagedLaterFiles() throws {
        for step in [30, 40] {
            try damage(store().save(state(step: step)))
        }
        let saved = try store(keep: 1).save(state(step: 0))
        #expect(store().newest() == saved)
        for step in [10, 20] { try store(keep: 1).save(state(step: step)) }
        #expect(store().all().map(\.step) == [40, 30, 20, 10])
    }

    @Test("metadata goes into the header")
    func metadata() throws {
        let url = try store().save(state(step: 12), metadata: ["method": "tiny"])
        let file = try SafeTensorsFile(path: url.path)
        #expect(file.metadata["method"] == "tiny" && file.metadata["step"] == "12")
    }
}
