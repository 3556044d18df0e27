/// A model that cannot be written in the wanted form, or was not written right.
public struct ExportError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) { self.description = description }
}
