/// How much a pickle may ask for before it is refused as hostile.
public struct PickleLimits: Sendable {
    /// Values made, copied container elements and memo entries, each; a value takes 24 bytes.
    public var items = 1 << 24
    /// Bytes that unpacking compressed records and re-encoding texts may produce.
    public var unpackedBytes = 1 << 31
    /// Digits of an integer written as text.
    public var digits = 400
    /// Bytes of an integer written in binary.
    public var integerBytes = 1 << 20
    /// Bytes of a line: names of classes, numbers as text.
    public var lineBytes = 1 << 16
    /// Containers inside containers, where a walk has to follow them.
    public var depth = 200
    /// Parts that a walk over tensors may pass, and elements that constructors may copy, for each byte
    /// of the pickle, beside `freeParts`: every part is a byte at least, and honest files share few.
    public var partsPerByte = 4
    public var freeParts = 1 << 16
    /// Names that a walk over tensors may produce.
    public var names = 1 << 20
    /// Bytes of those names together, 16 more for each part of one.
    public var nameBytes = 1 << 26

    public init() {}

    /// Parts that may be passed or copied of a pickle of so many bytes.
    func steps(ofBytes count: Int) -> Int { min(items, freeParts + partsPerByte * count) }
}
