public import Foundation
import SwiftProtobuf

/// Appends scalars and pictures to a TensorBoard event file.
///
/// Each start of a run writes a file of its own, named after the time; TensorBoard joins them. A
/// record that a crash cut short is the last of its file, so nothing is ever written behind it.
///
/// Events are kept until `flush()` or until they fill the buffer, and are written whole.
public final class EventFileWriter {
    /// The file that is written.
    public let path: String

    private let handle: FileHandle
    private let now: () -> Date
    private var buffer = Data()
    /// Bytes of complete records in the file.
    private var written: UInt64
    /// Whether a failed write may have left part of a record behind those.
    var isCut = false
    private static let bufferSize = 1 << 16

    /// Creates `events.out.tfevents.<seconds>.<host>.<n>` in an existing folder.
    ///
    /// `host` is this machine's name unless given; `n` is the first number, from 0, that no file
    /// has. Throws `RunFileError`.
    public convenience init(
        folder: String, host: String? = nil, now: @escaping () -> Date = Date.init
    ) throws {
        let start = now()
        let host = host ?? ProcessInfo.processInfo.hostName
        let safeHost = host.unicodeScalars.map { scalar in
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar == "-")
            return isPlain || ("0"..."9").contains(scalar) ? String(scalar) : "_"
        }.joined().prefix(64)
        let seconds = Int64(start.timeIntervalSince1970.rounded(.down))
        let name = "\(folder)/events.out.tfevents.\(seconds).\(safeHost)"

        var version = TensorBoardEvent()
        version.wallTime = start.timeIntervalSince1970
        version.fileVersion = "brain.Event:2"
        let record = Self.record(try Self.encode(version, name))
        var number = 0
        while true {
            do {
                let url = URL(fileURLWithPath: "\(name).\(number)")
                try record.write(to: url, options: .withoutOverwriting)
                break
            } catch CocoaError.fileWriteFileExists where number < 1000 {
                number += 1
            } catch {
                throw RunFileError(path: "\(name).\(number)", action: "create", cause: error)
            }
        }
        try self.init(path: "\(name).\(number)", now: now)
    }

    /// Appends to a file that is there.
    init(path: String, now: @escaping () -> Date) throws {
        self.path = path
        self.now = now
        (handle, written) = try RunFileError.naming(path, "open") {
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            return (handle, try handle.seekToEnd())
        }
    }

    /// Writes what is left; call `flush()` before to learn of errors.
    deinit {
        try? flush()
        try? handle.close()
    }

    /// Adds values of one step, each under its tag: `loss/train`, `probe/knn`.
    ///
    /// Throws `RunFileError` if the buffer was full and could not be written.
    public func add(_ scalars: [(tag: String, value: Double)], step: Int) throws {
        var summary = TensorBoardSummary()
        summary.value = scalars.map { scalar in
            var value = TensorBoardSummary.Value()
            value.tag = scalar.tag
            value.simpleValue = Float(scalar.value)
            return value
        }
        try add(summary, step)
    }

    /// Adds a picture, given as a PNG or JPEG file and its size.
    ///
    /// Throws `RunFileError` if the buffer was full and could not be written.
    public func add(
        image file: [UInt8], width: Int, height: Int, channels: Int, tag: String, step: Int
    ) throws {
        var image = TensorBoardSummary.Image()
        image.width = Int32(clamping: width)
        image.height = Int32(clamping: height)
        image.colorspace = Int32(clamping: channels)
        image.encodedImageString = Data(file)
        var value = TensorBoardSummary.Value()
        value.tag = tag
        value.image = image
        var summary = TensorBoardSummary()
        summary.value = [value]
        try add(summary, step)
    }

    /// Writes what was kept; after an error that part is lost, but the file stays readable.
    public func flush() throws {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        try RunFileError.naming(path, "write") {
            if isCut { try handle.truncate(atOffset: written) }
            isCut = true
            try handle.write(contentsOf: buffer)
            isCut = false
            written += UInt64(buffer.count)
        }
    }

    private func add(_ summary: TensorBoardSummary, _ step: Int) throws {
        var event = TensorBoardEvent()
        event.wallTime = now().timeIntervalSince1970
        event.step = Int64(step)
        event.summary = summary
        buffer.append(Self.record(try Self.encode(event, path)))
        if buffer.count >= Self.bufferSize { try flush() }
    }

    private static func encode(_ event: TensorBoardEvent, _ path: String) throws -> Data {
        try RunFileError.naming(path, "encode an event for") { try event.serializedData() }
    }

    /// `length (8 bytes) · its checksum (4) · data · its checksum (4)`, little-endian.
    static func record(_ data: Data) -> Data {
        var record = Data(capacity: data.count + 16)
        withUnsafeBytes(of: UInt64(data.count).littleEndian) { length in
            record.append(contentsOf: length)
            append(CRC32C.masked(length), to: &record)
        }
        record.append(data)
        append(CRC32C.masked(data), to: &record)
        return record
    }

    private static func append(_ number: UInt32, to record: inout Data) {
        withUnsafeBytes(of: number.littleEndian) { record.append(contentsOf: $0) }
    }
}
