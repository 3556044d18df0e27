@testable import Data

/// Tar archives made by hand, with whatever is wrong about them.
struct TarFixture {
    var bytes: [UInt8] = []

    /// A member with any type, and any size in its header.
    mutating func add(
        _ name: String, _ contents: [UInt8], type: Character = "0", claimed: Int? = nil
    ) {
        var header = TarWriter.header(String(name.prefix(100)), size: claimed ?? contents.count)
        header[156] = type.asciiValue ?? 48
        Self.seal(&header)
        bytes +=
            header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    mutating func add(_ name: String, _ text: String, type: Character = "0") {
        add(name, Array(text.utf8), type: type)
    }

    mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }

    /// Puts the checksum of a header right.
    static func seal(_ header: inout [UInt8]) {
        for place in 148..<156 { header[place] = 32 }
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        let text = String(repeating: "0", count: 6 - sum.count) + sum
        header.replaceSubrange(148..<156, with: Array(text.utf8) + [0, 32])
    }
}
