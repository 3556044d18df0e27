/// Something about a checkpoint that is wrong, may be wrong, or is good to know.
struct CheckpointFinding: Encodable {
    enum Severity: String, Encodable, CaseIterable {
        /// The file is damaged, or its numbers are.
        case error
        /// Can be read, and may not be what was meant.
        case warning
        case note
    }

    enum Kind: String, Encodable {
        /// The file contradicts its format, is cut, or is of no known form.
        case structure
        /// Content and recorded checksum differ.
        case checksum
        /// Two tensors of one name.
        case duplicate
        /// A tensor of a kind that is not read.
        case unread
        case nan
        case infinity
        /// Rows of a weight that are all zero.
        case deadUnits = "dead_units"
        /// All elements are the same.
        case constant
        /// Many elements lie below the smallest number of full precision.
        case denormal
    }

    let severity: Severity
    let kind: Kind
    /// The tensor or record; nil for the file as a whole.
    var place: String?
    /// Elements, or units.
    var count: Int?
    let detail: String

    private enum CodingKeys: String, CodingKey {
        case severity
        case kind = "finding"
        case place = "tensor"
        case count
        case detail
    }
}
