import Foundation
import SwiftProtobuf
import Testing

@testable import Training

@Suite("TensorBoard event files") struct TensorBoardTests {
    /// The checksums of RFC 3720, appendix B.4, and of the customary "123456789".
    @Test(
        "CRC32C of known texts",
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8a91_36aa), ([], 0),
            ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43), (Array(0..<32), 0x46dd_794e),
            (Array((0..<32).reversed()), 0x113f_db5c), (Array("123456789".utf8), 0xe306_9283),
        ] as [([UInt8], UInt32)])
    func checksums(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32C.checksum(bytes) == checksum)
        // The mask can be taken off again: it loses nothing.
        let turned = CRC32C.masked(bytes) &- 0xa282_ead8
        #expect(turned << 15 | turned >> 17 == checksum)
    }

    @Test("what was added is read back, in order, under the version record")
    func roundTrip() throws {
        let folder = try Folder()
        var time = 1_000.25
        let writer = try EventFileWriter(folder: folder.path, host: "my host/é.lan") {
            time += 1
            return Date(timeIntervalSince1970: time)
        }
        #expect(writer.path == "\(folder.path)/events.out.tfevents.1001.my_host___lan.0")
        try writer.add([("loss", 0.5), ("odd/ü", .nan), ("big", 1e300)], step: 7)
        try writer.add(
            image: [1, 2, 3], width: 4, height: 5, channels: 3, tag: "pictures", step: 1 << 40)
        #expect(try events(writer.path).count == 1)
        try writer.flush()
        try writer.flush()

        let events = try events(writer.path)
        #expect(events.count == 3)
        #expect(events[0].fileVersion == "brain.Event:2")
        #expect(events.map(\.wallTime) == [1001.25, 1002.25, 1003.25])
        #expect(events[1].step == 7)
        #expect(events[1].summary.value.map(\.tag) == ["loss", "odd/ü", "big"])
        #expect(events[1].summary.value[0].simpleValue == 0.5)
        #expect(events[1].summary.value[1].simpleValue.isNaN)
        #expect(events[1].summary.value[2].simpleValue == .infinity)
        #expect(events[2].step == 1 << 40)
        let image = events[2].summary.value[0].image
        #expect(image.width == 4 && image.height == 5 && image.colorspace == 3)
        #expect(image.encodedImageString == Data([1, 2, 3]))
    }

    @Test("field numbers are those of the format, byte by byte")
    func bytes() throws {
        var value = TensorBoardSummary.Value()
        value.tag = "a"
        value.simpleValue = 1
        var event = TensorBoardEvent()
        event.wallTime = 2
        event.step = 3
        event.summary.value = [value]
        let expected: [UInt8] = [
            0x09, 0, 0, 0, 0, 0, 0, 0, 0x40,  // 1: double 2
            0x10, 3,  // 2: varint 3
            0x2a, 10,  // 5: summary
            0x0a, 8,  // 1: value
            0x0a, 1, 0x61,  // 1: "a"
            0x15, 0, 0, 0x80, 0x3f,  // 2: float 1
        ]
        #expect(try Array(event.serializedData()) == expected)
        let record = EventFileWriter.record(Data(expected))
        #expect(Array(record.prefix(8)) == [23, 0, 0, 0, 0, 0, 0, 0])
        #expect(record.count == 23 + 16)
    }

    @Test("many events pass through the buffer without a flush at the end of each")
    func buffer() throws {
        let folder = try Folder()
        let writer = try EventFileWriter(folder: folder.path, host: "h")
        for step in 0..<5000 { try writer.add([("loss", Double(step))], step: step) }
        let early = try events(writer.path).count
        #expect(early > 1000 && early < 5001)
        try writer.flush()
        #expect(try events(writer.path).dropFirst().map(\.step) == Array(0..<5000))
    }

    @Test("every start has a file of its own, and leaves older ones as they are")
    func starts() throws {
        let folder = try Folder()
        let fixed = { Date(timeIntervalSince1970: 5) }
        let first = try EventFileWriter(folder: folder.path, host: "h", now: fixed)
        try first.add([("x", 1)], step: 1)
        try first.flush()
        // As a crash would leave it: the last record cut short.
        let whole = try Data(contentsOf: URL(fileURLWithPath: first.path))
        let cut = whole.dropLast(5)
        try cut.write(to: URL(fileURLWithPath: first.path))
        let second = try EventFileWriter(folder: folder.path, host: "h", now: fixed)
        #expect(first.path.hasSuffix(".5.h.0") && second.path.hasSuffix(".5.h.1"))
        try second.add([("x", 2)], step: 2)
        try second.flush()
        #expect(try Data(contentsOf: URL(fileURLWithPath: first.path)) == cut)
        #expect(try events(second.path).count == 2)
        #expect(throws: DamagedRecord.self) { try events(first.path) }
    }

    @Test("a folder that is not there is an error with its path")
    func missingFolder() throws {
        let folder = try Folder()
        let missing = "\(folder.path)/none"
        do {
            _ = try EventFileWriter(folder: missing, host: "h")
            Issue.record("a file was created in a folder that does not exist")
        } catch let error as RunFileError {
            #expect("\(error)".hasPrefix("\(missing)/events.out.tfevents."))
            #expect("\(error)".hasSuffix(".h.0: cannot create: there is no such folder"))
        }
    }

    @Test(
        "a full disk is an error, and the next flush tries again",
        .enabled(
            if: FileManager.default.isWritableFile(atPath: "/dev/full"), "there is no /dev/full"))
    func fullDisk() throws {
        let writer = try EventFileWriter(path: "/dev/full", now: Date.init)
        for _ in 0..<2 {
            try writer.add([("loss", 1)], step: 1)
            #expect {
                try writer.flush()
            } throws: { error in
                "\(error)".hasPrefix("/dev/full: cannot write: ")
            }
        }
        try writer.add([("loss", 1)], step: 1)
    }

    @Test("a flush cuts off what a failed one left half-written")
    func recovery() throws {
        let folder = try Folder()
        let writer = try EventFileWriter(folder: folder.path, host: "h")
        try writer.add([("loss", 1)], step: 1)
        try writer.flush()
        let whole = try Data(contentsOf: URL(fileURLWithPath: writer.path))
        let damaged = try EventFileWriter(path: writer.path, now: Date.init)
        let other = try FileHandle(forWritingTo: URL(fileURLWithPath: writer.path))
        try other.seekToEnd()
        try other.write(contentsOf: Data([23, 0, 0]))
        damaged.isCut = true
        try damaged.add([("loss", 2)], step: 2)
        try damaged.flush()
        #expect(try events(writer.path).map(\.step) == [0, 1, 2])
        #expect(try Data(contentsOf: URL(fileURLWithPath: writer.path)).starts(with: whole))
    }

    /// Reads a file as the format says, checking both checksums of each record.
    private func events(_ path: String) throws -> [TensorBoardEvent] {
        var rest = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))[...]
        func number(_ count: Int) throws -> UInt64 {
            guard rest.count >= count else { throw DamagedRecord() }
            let value = rest.prefix(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(count)
            return value
        }
        var events: [TensorBoardEvent] = []
        while !rest.isEmpty {
            let lengthBytes = Array(rest.prefix(8))
            let length = Int(try number(8))
            guard try number(4) == UInt64(CRC32C.masked(lengthBytes)), rest.count >= length
            else { throw DamagedRecord() }
            let data = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            guard try number(4) == UInt64(CRC32C.masked(data)) else { throw DamagedRecord() }
            events.append(try TensorBoardEvent(serializedBytes: data))
        }
        return events
    }
}

private struct DamagedRecord: Error {}

/// A folder that goes when the test ends.
private final class Folder {
    let path: String

    init() throws {
        let name = "tessera-events-\(UInt64.random(in: 0 ... .max))"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
