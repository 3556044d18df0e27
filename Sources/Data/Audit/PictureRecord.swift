/// What an audit keeps of every readable picture: 48 bytes, so that a million cost 48 MB.
struct PictureRecord: Sendable {
    let item: AuditItem
    /// CRC-32 and length of the stored bytes: equal for equal files, rarely for others.
    let checksum: UInt32
    let byteCount: Int
    let width: Int32
    let height: Int32
    /// nil for a picture without contrast.
    let hash: UInt64?
}
