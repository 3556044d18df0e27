public import Imaging

/// Pictures by number, each with a name and perhaps a label.
///
/// A source is read by many threads at once; what it returns for a number never changes.
public protocol ImageSource: Sendable {
    /// How many pictures there are.
    var count: Int { get }
    /// Names of the classes in the order of their labels; empty without labels.
    var classNames: [String] { get }
    /// The class of a picture, below `classNames.count`; nil without labels.
    func label(at index: Int) -> Int?
    /// What messages call the picture: a path, or a place within a file.
    func name(at index: Int) -> String
    /// Puts a picture into `picture` in the form in which the source keeps it.
    func load(_ index: Int, into picture: inout StoredPicture) throws
    /// Which data these are: changes when pictures come, go, change their order or their class.
    var fingerprint: String { get }
    /// Ranges of pictures that belong together: the sources of a mix, the shards of a set.
    var parts: [SourcePart] { get }
    /// What was odd about the data when they were opened, for the user to read.
    var notes: [String] { get }
}

extension ImageSource {
    public var isLabelled: Bool { !classNames.isEmpty }

    /// The decoded picture.
    public func read(at index: Int, decoder: ImageDecoder = ImageDecoder()) throws -> ImageBuffer {
        var picture = StoredPicture()
        try load(index, into: &picture)
        try picture.decode(decoder, name: name(at: index))
        return picture.pixels
    }
}

/// A picture as its source keeps it, in memory that is used for one picture after another.
public struct StoredPicture: Sendable {
    public enum Form: Sendable {
        /// `bytes` holds a file of `byteCount` bytes.
        case encoded
        /// `pixels` holds the picture.
        case decoded
    }

    public var form = Form.decoded
    public var bytes: [UInt8] = []
    public var byteCount = 0
    public var pixels = ImageBuffer()
    /// What was decoded last, for its memory.
    private var window = PictureWindow()

    public init() {}

    /// Brings the picture to the decoded form; returns the codec's warning if there is one.
    @discardableResult
    public mutating func decode(_ decoder: ImageDecoder, name: String) throws -> String? {
        guard form == .encoded else { return nil }
        let count = byteCount
        let warning = try bytes.withUnsafeBytes {
            try decoder.decode(
                UnsafeRawBufferPointer(rebasing: $0[..<count]), name: name, into: &pixels)
        }
        form = .decoded
        return warning
    }
}

extension StoredPicture {
    /// The picture, decoded as far as the given parts of it need.
    ///
    /// - Parameters:
    ///   - decoder: turns encoded bytes into pixels.
    ///   - name: what errors call the picture.
    ///   - regions: the parts that will be read of a picture of the size it is called with; nil
    ///     among them asks for the whole picture.
    /// - Returns: a window that holds those parts.
    /// - Throws: `ImageError` with `name`.
    mutating func window(
        _ decoder: ImageDecoder, name: String, regions: (PixelSize) -> [PictureRegion?]
    ) throws -> PictureWindow {
        guard form == .encoded else { return PictureWindow(pixels) }
        let count = byteCount
        try bytes.withUnsafeBytes { bytes in
            _ = try decoder.decode(
                UnsafeRawBufferPointer(rebasing: bytes[..<count]), name: name, regions: regions,
                into: &window)
        }
        return window
    }
}

/// Which part of a data set is wanted.
public enum Split: String, Codable, Sendable, CaseIterable {
    case train
    case validation
    /// The path itself, whatever folders it has.
    case all
}
