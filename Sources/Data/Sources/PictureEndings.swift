/// Endings of file names that are taken for pictures; what a file holds is found by reading it.
enum PictureEndings {
    /// In the order in which one member of a sample is preferred to another.
    static let all = [
        "jpg", "jpeg", "png", "webp", "jpe", "jfif", "tif", "tiff", "bmp", "gif", "npy",
    ]

    private static let known = Set(all.compactMap { packed(Array($0.utf8)) })
    private static let numbers = packed(Array("npy".utf8))
    private static let archive = packed(Array("tar".utf8))
    private static let foreign = Set(
        ["heic", "heif", "avif", "jxl", "jp2", "svg", "psd", "dng", "dcm", "raw"]
            .compactMap { packed(Array($0.utf8)) })

    enum Kind {
        case picture
        /// Numbers in NumPy's form: a picture only where a folder or sample holds no other, for they
        /// often go with one, as depths or features.
        case numbers
        /// A picture in a form that is not read here.
        case foreign
        /// A tar archive.
        case archive
        case other
    }

    /// What the bytes behind the last dot of a name say.
    static func kind(_ name: some BidirectionalCollection<UInt8>) -> Kind {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")),
            let ending = packed(name[name.index(after: dot)...])
        else { return .other }
        if ending == numbers { return .numbers }
        if ending == archive { return .archive }
        if known.contains(ending) { return .picture }
        return foreign.contains(ending) ? .foreign : .other
    }

    /// Up to eight bytes in lower case as one number; nil for none or more.
    private static func packed(_ ending: some Collection<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var count = 0
        for byte in ending {
            count += 1
            guard count <= 8 else { return nil }
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            value = value << 8 | UInt64(isUpper ? byte + 32 : byte)
        }
        return count == 0 ? nil : value
    }
}
