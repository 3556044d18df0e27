import CCodecs
import TensorFiles

/// A picture in a `.npy` file: numbers of shape `[height, width]` or `[height, width, channels]`.
///
/// In row order or column order, with the lowest or the highest byte first. Bytes are taken as they
/// are, false and true are 0 and 255; of 16 bits without a sign the upper byte is kept unless there
/// is a range, and all others need one. The axes are never guessed: `[channels, height, width]`
/// looks like a picture of very many channels.
struct NumpyPicture {
    private let array: NumpyHeader
    private let height: Int
    private let width: Int
    /// Channels in the file.
    private let stored: Int
    /// Channels after decoding, the first of those in the file.
    private let channels: Int
    private let range: ClosedRange<Double>?

    /// Reads the header.
    ///
    /// - Throws: `ImageError` with `name` if the array is no picture that `decoder` accepts.
    init(_ bytes: UnsafeRawBufferPointer, name: String, decoder: ImageDecoder) throws {
        let array: NumpyHeader
        do {
            array = try NumpyHeader(path: name, contents: bytes)
        } catch {
            let kind: ImageError.Kind =
                error.kind == .truncated
                ? .truncated : error.kind == .unsupported ? .unsupported : .corrupt
            throw ImageError(kind, name: name, reason: error.problem, advice: error.remedy)
        }
        func refusal(
            _ kind: ImageError.Kind, _ reason: String, _ advice: String? = nil
        ) -> ImageError {
            ImageError(kind, name: name, reason: reason, advice: advice)
        }
        let shape = array.shape
        let axes = "save it as [height, width] or [height, width, channels]"
        guard shape.count == 2 || shape.count == 3 else {
            throw refusal(.unsupported, "an array of shape \(shape) is no picture", axes)
        }
        (height, width, stored) = (shape[0], shape[1], shape.count == 3 ? shape[2] : 1)
        guard shape.allSatisfy({ $0 > 0 }) else {
            throw refusal(.corrupt, "an array of shape \(shape) has no pixels", axes)
        }
        guard stored <= decoder.limits.maxChannels else {
            throw refusal(
                .tooLarge,
                "an array of shape \(shape) has \(stored) channels, more than the limit of "
                    + "\(decoder.limits.maxChannels)",
                axes + ": the channels come last")
        }
        // Room for what is missing of a file is taken, too, so its size alone is no bound.
        guard let size = TensorRecord.byteCount(array.elementType, shape),
            size <= decoder.limits.maxWorkingBytes, max(height, width) <= Int(Int32.max)
        else {
            throw refusal(
                .tooLarge,
                "the samples of an array of shape \(shape) need more memory than the limit"
            )
        }
        switch (decoder.channels, stored) {
        case (.stored, _): channels = stored
        case (.rgbOrGrey, 1...2): channels = 1
        case (.rgbOrGrey, 3...4): channels = 3
        case (.rgbOrGrey, _):
            throw refusal(
                .unsupported,
                "an array of shape \(shape) has \(stored) channels, which are neither grey nor RGB",
                "a model of as many (model.channels=\(stored)) reads them as they are stored; the "
                    + "channels come last")
        }
        range = decoder.range
        guard range != nil || [.uint8, .uint16, .bool].contains(array.elementType) else {
            throw refusal(
                .unsupported,
                "\(array.elementType.torchName) samples need a range that says what is black and what "
                    + "is white",
                "set data.range to the two values")
        }
        self.array = array
    }

    /// Reads the header as the codecs do.
    ///
    /// - Returns: `CC_OK`; anything else is thrown.
    static func header(
        _ bytes: UnsafeRawBufferPointer, name: String, decoder: ImageDecoder,
        _ header: inout cc_header
    ) throws -> Int32 {
        header = try NumpyPicture(bytes, name: name, decoder: decoder).header
        return Int32(CC_OK)
    }

    private var header: cc_header {
        let model = stored <= 2 ? CC_GREY : stored <= 4 ? CC_RGB : CC_OTHER
        let bits = array.elementType == .bool ? 1 : array.elementType.byteCount * 8
        return cc_header(
            width: Int64(width), height: Int64(height), channels: Int32(channels),
            bit_depth: Int32(bits), model: Int32(model),
            has_alpha: stored == 2 || stored == 4 ? 1 : 0, orientation: 1, has_more: 0)
    }

    /// Fills `pixels`, `[height, width, channels]`; what the file lacks becomes 0.
    ///
    /// - Returns: `CC_TRUNCATED` if it lacks something, else `CC_OK`.
    func decode(
        _ bytes: UnsafeRawBufferPointer, into pixels: UnsafeMutableBufferPointer<UInt8>,
        _ report: inout cc_report
    ) -> Int32 {
        guard fill(pixels, bytes) else { return Int32(CC_OK) }
        report.fail(CC_TRUNCATED, "the data end before the picture does")
        return Int32(CC_TRUNCATED)
    }

    private func fill(
        _ pixels: UnsafeMutableBufferPointer<UInt8>, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        let data = UnsafeRawBufferPointer(rebasing: bytes[array.dataStart...])
        switch array.elementType {
        case .bool: return fill(pixels, data, UInt8.self) { $0 == 0 ? 0 : 255 }
        case .uint8: return fill(pixels, data, UInt8.self) { $0 }
        case .uint16 where range == nil:
            return fill(pixels, data, UInt16.self) { UInt8($0 >> 8) }
        case .uint16: return fill(pixels, data, UInt16.self) { ranged(Double($0)) }
        case .uint32: return fill(pixels, data, UInt32.self) { ranged(Double($0)) }
        case .uint64: return fill(pixels, data, UInt64.self) { ranged(Double($0)) }
        case .int8: return fill(pixels, data, Int8.self) { ranged(Double($0)) }
        case .int16: return fill(pixels, data, Int16.self) { ranged(Double($0)) }
        case .int32: return fill(pixels, data, Int32.self) { ranged(Double($0)) }
        case .int64: return fill(pixels, data, Int64.self) { ranged(Double($0)) }
        case .float16:
            return fill(pixels, data, UInt16.self) { ranged(Double(Float16(bitPattern: $0))) }
        case .float32:
            return fill(pixels, data, UInt32.self) { ranged(Double(Float(bitPattern: $0))) }
        case .float64:
            return fill(pixels, data, UInt64.self) { ranged(Double(bitPattern: $0)) }
        case .bfloat16, .float8e4m3, .float8e5m2, .float8e8m0:
            fatalError("NumpyPicture: NumPy has no \(array.elementType.torchName)")
        }
    }

    @inline(__always)
    private func fill<Sample: FixedWidthInteger>(
        _ pixels: UnsafeMutableBufferPointer<UInt8>, _ data: UnsafeRawBufferPointer,
        _: Sample.Type, _ value: (Sample) -> UInt8
    ) -> Bool {
        let size = MemoryLayout<Sample>.size
        let available = data.count / size
        // Distance of neighbouring rows, columns and channels.
        let steps =
            array.isColumnOrder
            ? (row: 1, column: height, channel: height * width)
            : (row: width * stored, column: stored, channel: 1)
        var place = 0
        for y in 0..<height {
            for x in 0..<width {
                let first = y * steps.row + x * steps.column
                for c in 0..<channels {
                    let index = first + c * steps.channel
                    if index < available {
                        let raw = data.loadUnaligned(fromByteOffset: index * size, as: Sample.self)
                        pixels[place] = value(
                            array.isBigEndian
                                ? Sample(bigEndian: raw) : Sample(littleEndian: raw))
                    } else {
                        pixels[place] = 0
                    }
                    place += 1
                }
            }
        }
        return available < height * width * stored
    }

    /// As `ranged` of the codecs in C: the range's ends are 0 and 255, not-a-number is 0.
    private func ranged(_ value: Double) -> UInt8 {
        guard let range else { return 0 }
        let scaled =
            (value - range.lowerBound) * 255 / (range.upperBound - range.lowerBound) + 0.5
        guard scaled >= 1 else { return 0 }
        return scaled >= 255 ? 255 : UInt8(scaled)
    }
}
