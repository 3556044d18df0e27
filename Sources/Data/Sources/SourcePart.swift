/// A range of a source's pictures with a name: a shard, or one of the sources of a mix.
public struct SourcePart: Sendable, Equatable {
    public var name: String
    public var range: Range<Int>
    /// How often its pictures are to be drawn beside those of other parts: a share of the draws.
    public var weight: Double

    public init(_ name: String, _ range: Range<Int>, weight: Double? = nil) {
        (self.name, self.range) = (name, range)
        self.weight = weight ?? Double(range.count)
    }
}

extension ImageSource {
    /// One part without a name.
    public var parts: [SourcePart] { [SourcePart("", 0..<count)] }

    public var notes: [String] { [] }

    /// Of the names, the labels and the names of the classes.
    public var fingerprint: String {
        var print = Fingerprint("pictures")
        print.add(classNames)
        for index in 0..<count {
            print.add(name(at: index))
            print.add(label(at: index) ?? -1)
        }
        return print.text(count: count)
    }
}
