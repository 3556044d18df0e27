internal import CTorch
internal import Synchronization

/// An operator of libtorch refused its arguments, or ran out of memory.
public struct TorchFailure: Error, Sendable, CustomStringConvertible {
    /// The operator, such as `aten::linear`.
    public let operation: String

    /// The arguments in short: shapes and types of tensors, values of the others.
    public let arguments: String

    /// What libtorch says of it.
    public let message: String

    /// Whether a device had no memory left.
    public var isOutOfMemory: Bool {
        message.contains("out of memory") || message.contains("can't allocate memory")
    }

    /// Whether only operators with sums in a fixed order are allowed, and this is none.
    public var isNondeterministic: Bool {
        message.contains("deterministic")
    }

    public var description: String { "\(operation)(\(arguments)): \(message)" }
}

/// What happens when an operator fails.
///
/// Operators do not throw: a `try` on each arithmetic expression would hide the mathematics, and a
/// wrong shape is an error of the program, not of its user. The handler reports and ends the
/// process; its type guarantees that nobody goes on with a broken tensor.
public enum TorchFailureHandler {
    private static let handler = Mutex<@Sendable (TorchFailure) -> Never>({ failure in
        fatalError(failure.description)
    })

    /// Replaces the handler, which prints the failure and traps by default.
    public static func install(_ handle: @escaping @Sendable (TorchFailure) -> Never) {
        handler.withLock { $0 = handle }
    }

    static func handle(_ failure: TorchFailure) -> Never {
        let handle = handler.withLock { $0 }
        handle(failure)
    }
}

/// Stops through the handler where a function of the table returned an error.
func check(_ status: Int32, in operation: String, arguments: @autoclosure () -> String = "") {
    guard status != 0 else { return }
    let message = text(api.last_error())
    TorchFailureHandler.handle(
        TorchFailure(operation: operation, arguments: arguments(), message: message))
}

/// Stops with a message where a condition that the code itself must guarantee does not hold.
///
/// `precondition` prints nothing in an optimised build; users run optimised builds.
@inlinable
public func require(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
    line: UInt = #line
) {
    guard condition else { fatalError(message(), file: file, line: line) }
}
