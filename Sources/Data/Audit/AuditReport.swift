import Foundation

/// What an audit says of a data set; the same for any number of threads, but for `speed`.
public struct AuditReport: Codable, Sendable, Equatable {
    /// One part of the data set.
    public struct Part: Codable, Sendable, Equatable {
        public let name: String
        public let pictures: Int
        /// How many of them were looked at.
        public let checked: Int
    }

    /// A class and how many pictures each part has of it.
    public struct ClassCount: Codable, Sendable, Equatable {
        public let name: String
        /// One count a part; 0 where the part has no such class.
        public let pictures: [Int]
    }

    /// How fast the pictures were read on this machine.
    public struct Speed: Codable, Sendable, Equatable {
        public let threads: Int
        /// From the start to the end of reading.
        public let seconds: Double
        /// Pictures read and decoded a second by one thread, without the time of the audit itself.
        public let picturesPerThreadSecond: Double
        /// Share of that time spent on waiting for the disk, 0...1.
        public let readShare: Double
        /// Megabytes read a second by all threads.
        public let megabytesPerSecond: Double
        /// Millions of pixels decoded a second by one thread.
        public let megapixelsPerThreadSecond: Double

        /// Pictures a second with a number of threads that do not hinder one another.
        public func picturesPerSecond(threads: Int) -> Double {
            picturesPerThreadSecond * Double(threads)
        }
    }

    public let path: String
    public let parts: [Part]
    public let classes: [ClassCount]
    /// Pictures by format.
    public let formats: [String: Int]
    /// Pictures that can be read.
    public let readable: Int
    /// Pictures that cannot.
    public let bad: Int
    /// Bytes of the readable pictures, as they are stored.
    public let storedBytes: Int
    public let width: Distribution?
    public let height: Distribution?
    public let shortSide: Distribution?
    /// Width over height.
    public let aspect: Distribution?
    public let channels: ChannelStatistics?
    /// The worst first.
    public let findings: [Finding]
    /// The most harmful groups of copies first.
    public let copies: [CopyGroup]
    /// Candidates for near copies that were not compared for the sake of time.
    public let unchecked: Int
    public let speed: Speed

    public var pictures: Int { parts.reduce(0) { $0 + $1.pictures } }
    public var checked: Int { parts.reduce(0) { $0 + $1.checked } }

    /// The finding of a kind; nil where nothing was found.
    public func finding(_ kind: FindingKind) -> Finding? { findings.first { $0.kind == kind } }

    /// `data.mean=[0.48, 0.45, 0.4] data.std=[…]`, to be added to a command.
    public var normalizationSettings: String? {
        channels.map { channels in
            func list(_ values: [Double]) -> String {
                "[" + values.map { String(format: "%.4f", $0) }.joined(separator: ", ") + "]"
            }
            return "'data.mean=\(list(channels.mean))' 'data.std=\(list(channels.std))'"
        }
    }
}
