import TensorFiles

/// A file that is made to do harm, and what has to become of it.
struct HostileForm: Sendable {
    enum Outcome: Sendable {
        /// It is refused: the kind, and a part of what the message says was found.
        case refused(TensorFileError.Kind, String)
        /// It opens, and what it asks for is shown: a part of the description of its value.
        case record(String)
        /// It opens, but one of its tensors is not read, for a reason with this part.
        case refusedTensor(String)
        /// It opens, and walking over its tensors is given up, for a reason with this part.
        case refusedWalk(String)
        /// It opens and has so many tensors, which are read.
        case tensors(Int)
    }

    let name: String
    let bytes: [UInt8]
    let outcome: Outcome
    var limits = PickleLimits()

    init(_ name: String, _ bytes: [UInt8], _ outcome: Outcome, limits: PickleLimits = .init()) {
        self.name = name
        self.bytes = bytes
        self.outcome = outcome
        self.limits = limits
    }

    /// A bare pickle; each character stands for the byte of its number.
    init(
        _ name: String, pickle: String, _ outcome: Outcome, limits: PickleLimits = .init()
    ) {
        self.init(name, PicklePrograms.bytes(pickle), outcome, limits: limits)
    }

    static let all: [HostileForm] =
        calls + gadgets + disguises + nestings + bombs + sizes + archives + otherArchives + others
}
