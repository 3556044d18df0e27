extension AuditPart {
    /// The training and the validation pictures at `path`, or all of them where there are no parts.
    ///
    /// - Parameters:
    ///   - path: whatever `openSource` opens.
    ///   - options: how it does.
    /// - Returns: the parts.
    /// - Throws: `DataError` if there are no pictures.
    public static func all(
        of path: String, options: SourceOptions = SourceOptions()
    ) throws -> [AuditPart] {
        let train = try openSource(path, split: .train, options: options)
        do {
            let validation = try openSource(path, split: .validation, options: options)
            // Without a folder for training, training takes all folders, that of validation too.
            let name = validation.name(at: 0)
            guard !(0..<train.count).contains(where: { train.name(at: $0) == name }) else {
                return [AuditPart("pictures", train)]
            }
            return [AuditPart("train", train), AuditPart("validation", validation)]
        } catch let error as DataError where error.kind == .missing {
            return [AuditPart("pictures", train)]
        }
    }
}
