public import Imaging

/// How a source is opened; nothing here changes which pictures it holds or in what order.
public struct SourceOptions: Sendable {
    /// What becomes of the index that an earlier start has kept.
    public enum Index: String, Codable, Sendable, CaseIterable {
        /// It is used for what has not changed since, and kept for the next start.
        case kept
        /// Everything is read anew, and kept for the next start.
        case rebuilt
        /// Everything is read anew, nothing is kept.
        case off
    }

    public var index = Index.kept
    /// Where indexes are kept; nil takes `index` in the cache (`TESSERA_CACHE`).
    public var indexFolder: String? = nil
    /// Sets with fewer pictures are read anew each time, which takes no longer.
    public var smallestIndex = 10_000
    /// Largest stored picture that is read.
    public var limits = ImageLimits()
    /// Threads that list folders and read headers; they mostly wait for the disk.
    public var threads = 8
    /// Called now and then while a large set is read, from any thread.
    public var progress: (@Sendable (IndexProgress) -> Void)? = nil
    /// How old a change must be for the next one to show in the time of change.
    ///
    /// What changed less than this before it was read is read again at the next start. The coarsest
    /// file systems count in steps of 2 s.
    var settlingSeconds = 2.0

    public init() {}
}

/// How far the reading of a set has come.
public struct IndexProgress: Sendable, Equatable {
    /// Folders listed, or shards read.
    public var done: Int
    /// Folders found so far, or all shards.
    public var known: Int
    public var pictures: Int
}
