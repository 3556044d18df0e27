/// A method whose encoder has a head of prototypes, which cluster pictures: DINO, iBOT.
public protocol PrototypeMethod {
    /// The head of the encoder that is evaluated.
    var prototypeHead: ProjectionHead { get }
}

extension IBOT: PrototypeMethod {
    public var prototypeHead: ProjectionHead { teacher.head }
}
