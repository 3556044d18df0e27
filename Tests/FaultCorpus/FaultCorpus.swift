import Foundation
import Glibc
public import Imaging

/// A folder of files with every fault that pictures of real collections have, and what each must
/// lead to.
///
/// Two classes: `good` holds sound pictures, `faults` the rest. All pictures differ, so that only
/// planted copies are copies.
public struct FaultCorpus {
    /// One planted fault.
    public struct Fault: Sendable {
        /// Path below the folder.
        public let name: String
        public let outcome: Outcome
        /// Names of findings that an audit must have of it.
        public let findings: Set<String>
    }

    /// What becomes of a file in training.
    public enum Outcome: Sendable, Equatable {
        /// It is read.
        case good
        /// It cannot be read, for a reason of this kind.
        case bad(ImageError.Kind)
        /// It is no picture of the data set.
        case leftOut
    }

    public let path: String
    public private(set) var faults: [Fault] = []
    private var seed: UInt64 = 1

    /// Writes all files.
    ///
    /// - Parameters:
    ///   - path: an empty folder.
    ///   - good: how many sound pictures.
    /// - Throws: if a file cannot be written.
    public init(_ path: String, good: Int) throws {
        self.path = path
        for folder in ["good", "faults"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        for index in 0..<good {
            try write("good/\(index).jpg", try picture().encodedJPEG())
        }
        try plantEmptyAndForeign()
        try plantTruncated()
        try plantBrokenJPEG()
        try plantUnusualJPEG()
        try plantPNG()
        try plantSizes()
        try plantEntries()
        try plantRecorded()
        try plantCopies()
    }

    /// The pictures that cannot be read.
    public var bad: [(fault: Fault, kind: ImageError.Kind)] {
        faults.compactMap { fault in
            if case .bad(let kind) = fault.outcome { return (fault, kind) }
            return nil
        }
    }

    /// Pictures of the data set, good and bad.
    public var listed: [Fault] { faults.filter { $0.outcome != .leftOut } }

    // MARK: Making files

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    mutating func plant(
        _ name: String, _ bytes: [UInt8], _ outcome: Outcome, _ findings: String...
    ) throws {
        try write("faults/\(name)", bytes)
        note(name, outcome, findings)
    }

    mutating func note(_ name: String, _ outcome: Outcome, _ findings: [String]) {
        var findings = Set(findings)
        if case .bad(let kind) = outcome, findings.isEmpty { findings.insert(kind.rawValue) }
        faults.append(Fault(name: "faults/\(name)", outcome: outcome, findings: findings))
    }

    /// The next picture: soft patches of colour, all different.
    mutating func picture(width: Int = 56, height: Int = 48, channels: Int = 3) -> ImageBuffer {
        seed += 1
        var random = Mixer(state: seed)
        let small = ImageBuffer(
            width: 7, height: 6, channels: channels,
            pixels: (0..<42 * channels).map { _ in UInt8.random(in: 0...255, using: &random) })
        var resampler = Resampler()
        var image = ImageBuffer()
        resampler.resize(
            small, box: CropBox(of: small.size), width: width, height: height,
            interpolation: .bicubic,
            into: &image)
        return image
    }
}

/// SplitMix64 of Steele et al., *Fast Splittable Pseudorandom Number Generators*, 2014.
private struct Mixer: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
