public import Imaging

/// What becomes of pictures when they are packed.
public struct PackSettings: Sendable, Equatable {
    /// How resized pictures are stored.
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// JPEG stays JPEG, all others become PNG.
        case same
        case jpeg
        case png
    }

    /// Pictures whose shorter side is longer are resized to it; nil copies every byte as it is.
    public var shortSide: Int? = nil
    /// 1 to 100, libjpeg's scale, for resized pictures that are stored as JPEG.
    public var quality = 90
    public var form = Form.same
    public var interpolation = Interpolation.bicubic
    /// A shard is closed before it grows beyond this; one picture may be larger.
    public var shardBytes = 256 << 20
    /// Stores the pictures in a random order, for programs that read shards from start to end.
    public var shuffleSeed: UInt64? = nil
    /// Never changes a byte.
    public var threads = 4

    public init() {}

    /// All that decides on the bytes of a pack.
    func recipe(of source: any ImageSource) -> String {
        let stored =
            shortSide.map { side in
                "short side \(side), \(interpolation.rawValue), \(form.rawValue), "
                    + "quality \(quality)"
            } ?? "lossless"
        let order = shuffleSeed.map { "shuffled by \($0)" } ?? "in order"
        return "\(source.fingerprint); \(stored); \(order); shards of \(shardBytes) bytes"
    }

    func check() throws {
        func failure(_ name: String, _ value: Int, _ expected: String) -> DataError {
            DataError(.malformed, name, "is \(value)", remedy: "give \(expected)")
        }
        if let side = shortSide, !(1...65_500).contains(side) {
            throw failure("short side", side, "1 to 65500 pixels")
        }
        guard (1...100).contains(quality) else { throw failure("quality", quality, "1 to 100") }
        guard shardBytes >= 1 << 10 else {
            throw failure("shard size", shardBytes, "at least 1024 bytes")
        }
    }
}
