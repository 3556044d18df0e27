/// The release of this program.
enum Version {
    static let text = "0.1.0"
}
