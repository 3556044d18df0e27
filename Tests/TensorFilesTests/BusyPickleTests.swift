import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

/// Pickles of 100 KB that are made to keep their reader busy.
@Suite("Small pickles take little time", .serialized) struct BusyPickleTests {
    private static let size = 100_000

    private static func program(_ start: String, _ repeated: String, _ end: String) -> String {
        start
            + String(
                repeating: repeated,
                count: (size - start.utf8.count - end.utf8.count) / repeated.utf8.count) + end
    }

    /// A dictionary of `count` entries in the memo at 0, then what is repeated.
    private static func state(_ count: Int) -> String {
        "}(" + (0..<count).map { "I\($0)\nN" }.joined() + "uq\u{0}0ca\nB\nq\u{1}0("
    }

    private static let forms: [(name: String, pickle: String)] = [
        (
            "objects that share a state",
            program(state(6000), "h\u{1})\u{81}h\u{0}b", "l.")
        ),
        (
            "instances whose state is a tuple of the same dictionary",
            program(state(3000), "h\u{1})\u{81}(h\u{0}h\u{0}h\u{0}h\u{0}h\u{0}tb", "l.")
        ),
        (
            "lists of one list",
            program("(" + String(repeating: "N", count: 50_000) + "lq\u{0}0(", "(h\u{0}l", "l.")
        ),
        ("dictionaries of one", program(state(6000), "(Nh\u{0}d", "l.")),
        (
            "copies of a list",
            program(
                "(" + String(repeating: "N", count: 50_000) + "lq\u{0}0(",
                "cbuiltins\nlist\n(h\u{0}tR", "l.")
        ),
        (
            "dictionaries of a list that is nearly pairs",
            program(
                "(" + String(repeating: "(NNt", count: 12_000) + "Nlq\u{0}0(",
                "cbuiltins\ndict\n(h\u{0}tR", "l.")
        ),
        (
            "counters of a dictionary",
            program(state(6000), "ccollections\nCounter\n(h\u{0}tR", "l.")
        ),
        (
            "sets of a list that the memo grows by",
            program(
                "(" + String(repeating: "N", count: 50_000) + "lq\u{0}0(",
                "cbuiltins\nset\n(h\u{0}tR\u{94}", "l.")
        ),
    ]

    @Test("reading and walking, whatever comes of it", arguments: forms.indices)
    func time(index: Int) throws {
        let (name, pickle) = Self.forms[index]
        #expect(pickle.utf8.count <= Self.size)
        let bytes = Array(pickle.unicodeScalars.map { UInt8($0.value) })
        let begin = ContinuousClock.now
        do throws(TensorFileError) {
            let file = try CheckpointFile(path: "case.pth", contents: ByteSlice(copying: bytes))
            _ = try file.stateDictionaries()
        } catch { #expect(error.kind == .limit, "\(name): \(error)") }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        // Without optimisation, on a shared machine.
        #expect(seconds < 5, "\(name)")
    }

    @Test("every part of an honest pickle may be passed a few times")
    func honest() throws {
        let shared = String(repeating: "h\u{0}", count: 40)
        let pickle = "(" + String(repeating: "K\u{1}", count: 20_000) + "lq\u{0}0(" + shared + "l."
        var limits = PickleLimits()
        limits.freeParts = 0
        let bytes = Array(pickle.unicodeScalars.map { UInt8($0.value) })
        let file = try CheckpointFile(
            path: "case.pth", contents: ByteSlice(copying: bytes), limits: limits)
        // A part without tensors is looked at once, however often it is shared.
        #expect(try file.stateDictionaries().isEmpty)
    }
}
