/// What a decoder accepts; checked before any memory for pixels is taken.
public struct ImageLimits: Sendable, Equatable {
    /// Most pixels of a picture; the default is where Pillow refuses a picture, too.
    public var maxPixels = 178_956_970
    /// Most channels of a picture, which pipelines share.
    public var maxChannels = 1024
    /// Longest file in bytes.
    public var maxFileBytes = 1 << 30
    /// Most scans of a progressive JPEG: each costs a pass over the picture.
    public var maxScans = 100
    /// Most bytes that a codec may take beside the pixels.
    ///
    /// The samples of a TIFF or an array count as if they were all read at once.
    public var maxWorkingBytes = 1 << 30

    public init() {}
}
