/// Builds pickles byte by byte, as PyTorch's pickler writes them (protocol 2).
struct PickleBytes {
    var bytes: [UInt8] = [0x80, 2]

    mutating func op(_ character: Character) { bytes += Array(String(character).utf8) }

    mutating func raw(_ values: UInt8...) { bytes += values }

    mutating func text(_ text: String) {
        op("X")
        append(UInt32(text.utf8.count))
        bytes += Array(text.utf8)
    }

    mutating func int(_ value: Int) {
        guard let short = Int32(exactly: value) else { return long(value) }
        op("J")
        append(short)
    }

    /// An integer of any size, which `int` is not.
    mutating func long(_ value: Int) {
        raw(0x8A, 8)
        append(Int64(value))
    }

    mutating func bool(_ value: Bool) { raw(value ? 0x88 : 0x89) }

    mutating func double(_ value: Double) {
        op("G")
        bytes += withUnsafeBytes(of: value.bitPattern.bigEndian) { [UInt8]($0) }
    }

    mutating func global(_ module: String, _ name: String) {
        bytes += Array("c\(module)\n\(name)\n".utf8)
    }

    mutating func tuple(_ items: (inout PickleBytes) -> Void) {
        op("(")
        items(&self)
        op("t")
    }

    mutating func ints(_ values: [Int]) { tuple { p in values.forEach { p.int($0) } } }

    mutating func dict(_ items: (inout PickleBytes) -> Void) {
        op("}")
        op("(")
        items(&self)
        op("u")
    }

    /// `torch._utils._rebuild_tensor_v2` over a storage that is kept beside the pickle.
    mutating func tensor(_ tensor: Fixture.Tensor, numel: Int? = nil, legacy: Bool = false) {
        global("torch._utils", "_rebuild_tensor_v2")
        tuple { p in
            p.storage(tensor, numel: numel, legacy: legacy)
            p.int(tensor.offset)
            p.ints(tensor.shape)
            p.ints(tensor.strides)
            p.bool(false)
            p.global("collections", "OrderedDict")
            p.op(")")
            p.op("R")
        }
        op("R")
    }

    mutating func storage(_ tensor: Fixture.Tensor, numel: Int? = nil, legacy: Bool = false) {
        tuple { p in
            p.text("storage")
            p.global("torch", tensor.storageClass)
            p.text(tensor.key)
            p.text("cpu")
            p.int(numel ?? tensor.storage.count / tensor.elementSize)
            if legacy { p.op("N") }
        }
        op("Q")
    }

    /// A call of a function with texts as arguments.
    mutating func call(_ module: String, _ name: String, _ arguments: String...) {
        global(module, name)
        tuple { p in arguments.forEach { p.text($0) } }
        op("R")
    }

    mutating func append<T: FixedWidthInteger>(_ value: T) {
        bytes += withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }

    static func program(_ body: (inout PickleBytes) -> Void) -> [UInt8] {
        var pickle = PickleBytes()
        body(&pickle)
        pickle.op(".")
        return pickle.bytes
    }
}
