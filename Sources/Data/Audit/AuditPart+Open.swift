extension AuditPart {
    /// The training and the validation pictures at `path`, or all of them where there are no parts.
    ///
    /// - Throws: `DataError` if there are no pictures.
    public static func all(of path: String) throws -> [AuditPart] {
        let train = try openSource(path, split: .train)
        do {
            return [
                AuditPart("train", train),
                AuditPart("validation", try openSource(path, split: .validation)),
            ]
        } catch let error as DataError where error.kind == .missing {
            return [AuditPart("pictures", train)]
        }
    }
}
