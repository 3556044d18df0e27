import Imaging
import Testing

@testable import Data

/// Pictures of a disk that is gone.
@Suite("Sources that keep one waiting", .timeLimit(.minutes(2))) struct TimedSourceTests {
    /// Encoded pictures, of which some are not delivered until `release`.
    private final class Source: ImageSource, Sendable {
        let count = 24
        let classNames: [String] = []
        let fingerprint = "hanging"
        private let hanging: Set<Int>
        private let bytes: [UInt8]
        private let released = Monitor(false)

        init(hanging: Set<Int>) throws {
            self.hanging = hanging
            bytes = try ImageBuffer(
                width: 40, height: 40, channels: 1,
                pixels: (0..<1600).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
            ).encodedPNG()
        }

        func release() { released.change { $0 = true } }
        func label(at index: Int) -> Int? { nil }
        func name(at index: Int) -> String { "picture \(index)" }

        func load(_ index: Int, into picture: inout StoredPicture) throws {
            if hanging.contains(index) { _ = released.wait { $0 ? true : nil } }
            (picture.bytes, picture.byteCount, picture.form) = (bytes, bytes.count, .encoded)
        }
    }

    @Test("a check goes on without pictures that never come, and says which", arguments: [1, 3])
    func check(threads: Int) throws {
        let source = try Source(hanging: [3, 4, 17])
        defer { source.release() }
        var options = AuditOptions()
        (options.threads, options.readTimeout) = (threads, .milliseconds(30))
        let result = try DataAudit(
            path: "x", parts: [AuditPart("pictures", source)], options: options
        ).run()
        #expect(result.bad.map(\.index) == [3, 4, 17])
        #expect(result.report.readable == 21)
        let finding = try #require(result.report.finding(.unreadable))
        #expect(finding.examples.map(\.name) == ["picture 3", "picture 4", "picture 17"])
        #expect(finding.examples.allSatisfy { $0.detail.contains("was not there after 0.03") })
        // The others are copies of one another, which takes reading them again.
        #expect(result.report.finding(.exactCopy)?.count == 20)
    }

    @Test("nobody waits twice for the same picture")
    func once() throws {
        let source = try Source(hanging: [5])
        defer { source.release() }
        let timed = TimedSource(source, timeout: .milliseconds(30))
        var picture = StoredPicture()
        #expect(throws: ImageError.self) { try timed.load(5, into: &picture) }
        // Even if it would be there by now.
        source.release()
        let error = #expect(throws: ImageError.self) { try timed.load(5, into: &picture) }
        #expect("\(try #require(error))".contains("picture 5"))
        try timed.load(6, into: &picture)
        #expect(picture.form == .encoded && picture.byteCount > 0)
    }

    @Test("errors of the source come through; without a limit it is read as it is")
    func errors() throws {
        struct Gone: Error {}
        struct Failing: ImageSource {
            let count = 1
            let classNames: [String] = []
            let fingerprint = "failing"
            func label(at index: Int) -> Int? { nil }
            func name(at index: Int) -> String { "picture" }
            func load(_ index: Int, into picture: inout StoredPicture) throws { throw Gone() }
        }
        for timeout in [Duration.seconds(10), nil] {
            let timed = TimedSource(Failing(), timeout: timeout)
            var picture = StoredPicture()
            for _ in 0..<3 {
                #expect(throws: Gone.self) { try timed.load(0, into: &picture) }
            }
        }
    }
}
