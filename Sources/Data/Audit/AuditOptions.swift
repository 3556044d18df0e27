import Foundation
public import Imaging

/// What an audit looks at, and where it draws its lines.
public struct AuditOptions: Sendable {
    /// Threads that read and decode; never changes a result.
    public var threads = max(1, ProcessInfo.processInfo.activeProcessorCount)
    /// Pictures to look at, evenly spread over each part; nil looks at all.
    public var sample: Int?
    /// Most examples that are kept of a finding.
    public var examples = 20
    /// Most groups of copies that are kept.
    public var groups = 100
    /// A picture whose shorter side is below this is tiny.
    public var tinySide = 32
    /// A picture of more pixels than this is huge: decoding it takes about 0.1 s.
    public var hugePixels = 12_000_000
    /// Longer side over shorter side beyond which a picture is called extreme.
    public var extremeAspect = 5.0
    /// Most pictures in the largest class for one in the smallest.
    public var imbalance = 10.0
    /// How long reading one file may take before it counts as unreadable; nil for any time.
    public var readTimeout: Duration? = .seconds(120)
    /// What can be read; a decoder that accepts truncated pictures has them listed as a warning.
    public var decoder = ImageDecoder()

    public init() {}
}

/// A part of a data set, such as its training pictures.
public struct AuditPart: Sendable {
    /// `train`, `validation`.
    public let name: String
    public let source: any ImageSource

    public init(_ name: String, _ source: any ImageSource) {
        (self.name, self.source) = (name, source)
    }
}

/// One picture of one part; in the order of the parts, then of their pictures.
public struct AuditItem: Codable, Sendable, Hashable, Comparable {
    /// The number of its part.
    public let part: Int
    /// Its number within the part.
    public let index: Int

    public static func < (a: Self, b: Self) -> Bool { (a.part, a.index) < (b.part, b.index) }
}
