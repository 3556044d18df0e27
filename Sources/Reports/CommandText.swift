/// A command to be copied.
public struct CommandText: ReportBlock {
    public var text: String

    public init(_ text: String) { self.text = text }

    public var html: HTML { "<pre class=\"command\"><code>\(text)</code></pre>\n" }
}
