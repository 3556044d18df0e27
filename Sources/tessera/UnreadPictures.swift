import Data

/// The pictures that an evaluation could not read and leaves out: scores of fewer pictures must not look
/// like those of all.
final class UnreadPictures {
    private var files: [BadFile] = []

    var count: Int { files.count }

    func add(_ file: BadFile) { files.append(file) }

    /// What to say of them; nil where all could be read.
    ///
    /// - Parameters:
    ///   - count: of all pictures.
    ///   - part: what they are called.
    /// - Returns: a sentence with the first of them.
    func note(of count: Int, _ part: String) -> String? {
        guard let first = files.first else { return nil }
        return
            "\(part): \(files.count) of \(count) pictures cannot be read and do not count, such as "
            + "\(first.name) (\(first.reason)); `tessera data check` lists them"
    }
}

extension LoaderPlan {
    /// The same without a substitute for what cannot be read, which would be counted twice; where a run
    /// stops at such a picture, so does its evaluation.
    func skippingBadFiles() -> LoaderPlan {
        var plan = self
        if plan.onBadFile == .substitute { plan.onBadFile = .skip }
        return plan
    }
}
