public import Imaging

/// A finished batch in the memory of the host, one block for each view.
public struct HostBatch: Sendable {
    /// How the values of the pictures are kept.
    public enum Element: String, Codable, Sendable, CaseIterable {
        /// Normalised floats.
        case float32
        /// Bytes 0...255, to be normalised on the device.
        case uint8

        public var byteCount: Int { self == .float32 ? 4 : 1 }
    }

    /// One view of every picture, `[B, channels, height, width]`.
    public struct View: Sendable {
        public let channels: Int
        public let size: PixelSize
        public let element: Element
        public let normalization: Normalization
        let memory: BatchMemory

        var pictureBytes: Int { channels * size.count * element.byteCount }
    }

    public let position: LoaderPosition
    public let seed: UInt64
    public let views: [View]
    /// The picture in each row; differs from `keys` where one was substituted.
    public internal(set) var indices: [Int]
    /// The number that the row's random draws depend on.
    public internal(set) var keys: [Int]
    /// The class of each row, −1 without labels.
    public internal(set) var labels: [Int]
    public internal(set) var badFiles: [BadFile]

    public var count: Int { indices.count }

    /// The values of a view, `count` pictures one after another.
    public func withUnsafeBytes<Result>(
        view: Int = 0, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let block = views[view]
        return try body(
            UnsafeRawBufferPointer(rebasing: block.memory.bytes[..<(count * block.pictureBytes)]))
    }

    /// The floats of a view; stops if it holds bytes.
    public func floats(view: Int = 0) -> [Float] {
        require(views[view].element == .float32, "HostBatch: view \(view) holds bytes")
        return withUnsafeBytes(view: view) { Array($0.bindMemory(to: Float.self)) }
    }
}
