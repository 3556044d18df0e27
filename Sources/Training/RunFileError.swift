import Foundation

/// A file of a run that could not be read or written.
public struct RunFileError: Error, CustomStringConvertible {
    public let path: String
    let action: String
    let cause: any Error

    /// `runs/x/metrics.jsonl: cannot write: No space left on device; make room, then …`.
    public var description: String {
        let advice = isDiskFull ? "; make room, then go on with `tessera resume`" : ""
        return "\(path): cannot \(action): \(reason)\(advice)"
    }

    /// Runs `body` and names the file in its errors.
    static func naming<Result>(
        _ path: String, _ action: String, _ body: () throws -> Result
    ) throws(RunFileError) -> Result {
        do {
            return try body()
        } catch {
            throw RunFileError(path: path, action: action, cause: error)
        }
    }

    private var isDiskFull: Bool {
        if case CocoaError.fileWriteOutOfSpace = cause { return true }
        return [ENOSPC, EDQUOT, EFBIG].contains(number ?? 0)
    }

    private var reason: String {
        if case CocoaError.fileNoSuchFile = cause { return "there is no such folder" }
        return number.map { String(cString: strerror($0)) } ?? cause.localizedDescription
    }

    /// The system's number of the error.
    private var number: Int32? {
        let error = cause as NSError
        let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
        return underlying.domain == NSPOSIXErrorDomain ? Int32(underlying.code) : nil
    }
}
