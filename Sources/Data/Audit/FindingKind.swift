import Imaging

/// What an audit looks for.
public enum FindingKind: String, Codable, Sendable, CaseIterable {
    // Pictures that cannot be read, so that another takes their place in training.
    case empty, unreadable, unknownFormat, corrupt, truncated, unsupported, tooLarge, outOfMemory
    // Pictures that can be read, but may harm.
    case acrossParts, acrossClasses, truncatedKept, wrongEnding, oddData, rotated, singleColor
    case tiny, extremeAspect, exactCopy, nearCopy, imbalance, emptyClass
    case incomplete, brokenLink, specialFile, pictureNamedFolder, unreadableFolder
    // Facts that are good to know.
    case huge, cmyk, deep, alpha, palette, grey, animated, otherFile

    /// How much a finding matters.
    public enum Severity: String, Codable, Sendable, CaseIterable {
        /// A picture that cannot be read.
        case bad
        /// It can be read, and may harm.
        case warning
        /// Good to know.
        case note
    }

    public var severity: Severity {
        switch self {
        case .empty, .unreadable, .unknownFormat, .corrupt, .truncated, .unsupported, .tooLarge,
            .outOfMemory:
            .bad
        case .huge, .cmyk, .deep, .alpha, .palette, .grey, .animated, .otherFile: .note
        default: .warning
        }
    }

    public var title: String {
        switch self {
        case .empty: "Empty files"
        case .unreadable: "Unreadable files"
        case .unknownFormat: "Not a known picture format"
        case .corrupt: "Corrupt pictures"
        case .truncated: "Truncated pictures"
        case .unsupported: "Unsupported pictures"
        case .tooLarge: "Beyond the limits"
        case .outOfMemory: "Out of memory"
        case .acrossParts: "In training and in validation"
        case .acrossClasses: "Same picture, different classes"
        case .truncatedKept: "Truncated, but kept"
        case .wrongEnding: "Wrong file ending"
        case .oddData: "Odd data"
        case .rotated: "Turned by EXIF"
        case .singleColor: "Of a single colour"
        case .tiny: "Tiny pictures"
        case .extremeAspect: "Very long or very tall"
        case .exactCopy: "Exact copies"
        case .nearCopy: "Near copies"
        case .imbalance: "Uneven classes"
        case .emptyClass: "Classes without pictures"
        case .incomplete: "Parts that are left out"
        case .brokenLink: "Links that lead nowhere"
        case .specialFile: "Neither file nor folder"
        case .pictureNamedFolder: "Folders named like pictures"
        case .unreadableFolder: "Folders that cannot be read"
        case .huge: "Huge pictures"
        case .cmyk: "CMYK pictures"
        case .deep: "More than 8 bits a channel"
        case .alpha: "With transparency"
        case .palette: "With a palette"
        case .grey: "Grey pictures"
        case .animated: "Animated pictures"
        case .otherFile: "Other files"
        }
    }

    /// What to do.
    var advice: String {
        switch self {
        case .empty: "Copy them again or take them out."
        case .unreadable: "Check that the files exist and that you may read them."
        case .unknownFormat: "Convert them to JPEG or PNG, or take them out."
        case .corrupt: "Copy them again or take them out."
        case .truncated:
            "Copy them again or take them out; data.truncated=kept uses what is there of them."
        case .unsupported: "Save them as 8-bit RGB or grey JPEG or PNG."
        case .tooLarge: "Take them out, or shrink them if you trust where they are from."
        case .outOfMemory: "Shrink them, or read them with fewer threads."
        case .acrossParts:
            "Take them out of one of the two: scores on them measure memory, not features."
        case .acrossClasses: "Choose one class for each, or take both out."
        case .truncatedKept: "Copy them again; what is missing is grey in training."
        case .wrongEnding: "Nothing is lost here, but other programs may refuse them; rename them."
        case .oddData: "They decode completely; open some to see whether they look right."
        case .rotated:
            "They are used as stored, lying on their side; data.orientation=upright turns them."
        case .singleColor: "They teach nothing; take them out."
        case .tiny: "They are enlarged in training and look blurred; consider taking them out."
        case .extremeAspect:
            "Crops show a small part of them; cut them into pieces or take them out."
        case .exactCopy: "Keep one of each group: copies are seen more often than the rest."
        case .nearCopy: "Look at the groups; keep the best picture of each."
        case .imbalance: "Collect more of the small ones, or draw evenly with data.balance=1."
        case .emptyClass: "Fill or remove the folders; the classes keep their numbers meanwhile."
        case .incomplete: "Fetch again what is cut off; convert what is in a form that is not read."
        case .brokenLink: "Mount what they lead to, or remove them; they are left out."
        case .specialFile: "Remove them; they are left out."
        case .pictureNamedFolder: "They are read as folders; rename them to avoid surprises."
        case .unreadableFolder: "Check that you may read them; the data set cannot be used so."
        case .huge:
            "Decoding takes most of the time: tessera data pack makes smaller copies once."
        case .cmyk: "They become RGB without a colour profile; convert them to check the colours."
        case .deep:
            "The upper 8 bits are used; data.range says which values become black and white."
        case .alpha: "Transparency is dropped, which shows the colours that it hid."
        case .palette: "They become RGB."
        case .grey: "They become RGB with three equal channels."
        case .animated: "The first picture of each is used."
        case .otherFile: "They are left out."
        }
    }

    init(_ kind: ImageError.Kind) {
        self =
            switch kind {
            case .unreadable: .unreadable
            case .unknownFormat: .unknownFormat
            case .corrupt: .corrupt
            case .truncated: .truncated
            case .unsupported: .unsupported
            case .tooLarge: .tooLarge
            case .outOfMemory: .outOfMemory
            }
    }
}
