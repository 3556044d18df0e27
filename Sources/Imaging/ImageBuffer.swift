/// A decoded picture: 8-bit channels, interleaved, rows from top to bottom without gaps.
///
/// Shape: `[height, width, channels]`, channels 1 (grey) or 3 (RGB), or as many as a file stores.
/// A buffer can be `reshape`d and filled again without a new allocation; loader threads do.
public struct ImageBuffer: Sendable {
    public private(set) var width: Int
    public private(set) var height: Int
    public private(set) var channels: Int
    private var storage: [UInt8]

    /// Bytes behind the last pixel that vector code may read (never uses).
    static let slack = 32

    /// A black picture.
    public init(width: Int, height: Int, channels: Int) {
        require(
            width >= 0 && height >= 0 && channels > 0,
            "ImageBuffer: impossible size \(width)x\(height)x\(channels)")
        (self.width, self.height, self.channels) = (width, height, channels)
        storage = [UInt8](repeating: 0, count: width * height * channels + Self.slack)
    }

    /// A picture of the given interleaved pixels; their number must be width x height x channels.
    public init(width: Int, height: Int, channels: Int, pixels: some Collection<UInt8>) {
        require(
            pixels.count == width * height * channels,
            "ImageBuffer: \(pixels.count) values for \(width)x\(height)x\(channels)")
        (self.width, self.height, self.channels) = (width, height, channels)
        storage = []
        storage.reserveCapacity(pixels.count + Self.slack)
        storage.append(contentsOf: pixels)
        storage.append(contentsOf: repeatElement(0, count: Self.slack))
    }

    /// A picture without pixels, to be reshaped.
    public init() { self.init(width: 0, height: 0, channels: 1) }

    public var size: PixelSize { PixelSize(height: height, width: width) }
    public var byteCount: Int { width * height * channels }
    public var rowBytes: Int { width * channels }

    /// The pixels as one array, `byteCount` long.
    public var pixels: [UInt8] { Array(storage.prefix(byteCount)) }

    /// One channel of one pixel.
    public subscript(row: Int, column: Int, channel: Int = 0) -> UInt8 {
        get { storage[(row * width + column) * channels + channel] }
        set { storage[(row * width + column) * channels + channel] = newValue }
    }

    /// Gives the buffer another size; what it holds is then undefined until it is filled.
    public mutating func reshape(width: Int, height: Int, channels: Int) {
        require(
            width >= 0 && height >= 0 && channels > 0,
            "ImageBuffer: impossible size \(width)x\(height)x\(channels)")
        (self.width, self.height, self.channels) = (width, height, channels)
        let missing = byteCount + Self.slack - storage.count
        if missing > 0 {
            // A new array rather than `append`: the old pixels need not be copied.
            storage = [UInt8](repeating: 0, count: byteCount + Self.slack)
        }
    }

    /// The pixels' memory, `byteCount` long.
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result {
        try storage.withUnsafeBufferPointer {
            try body(UnsafeBufferPointer(rebasing: $0[..<byteCount]))
        }
    }

    /// The pixels' memory to fill, `byteCount` long.
    public mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result {
        let count = byteCount
        return try storage.withUnsafeMutableBufferPointer {
            try body(UnsafeMutableBufferPointer(rebasing: $0[..<count]))
        }
    }
}

extension ImageBuffer: Equatable {
    /// Same size and same pixels, whatever lies behind the last one.
    public static func == (a: ImageBuffer, b: ImageBuffer) -> Bool {
        a.width == b.width && a.height == b.height && a.channels == b.channels
            && a.storage.prefix(a.byteCount) == b.storage.prefix(b.byteCount)
    }
}

/// Stops with the message, in release builds too (`precondition` would drop it).
func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}
