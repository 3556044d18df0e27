import Imaging
import Testing

/// Files made here byte by byte, as NumPy's format describes them.
@Suite("Arrays as pictures") struct NumpyPictureTests {
    var decoder = ImageDecoder()

    /// A file of elements whose bytes are given.
    static func file(
        _ type: String, _ shape: String, isColumnOrder: Bool = false, version: UInt8 = 1,
        _ elements: [UInt8]
    ) -> [UInt8] {
        var header =
            "{'descr': '\(type)', 'fortran_order': \(isColumnOrder ? "True" : "False"), "
            + "'shape': \(shape), }"
        let start = version == 1 ? 10 : 12
        while (header.utf8.count + 1 + start) % 64 != 0 { header += " " }
        header += "\n"
        let count = header.utf8.count
        let size = [UInt8(count & 255), UInt8(count >> 8)] + (version == 1 ? [] : [0, 0])
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + elements
    }

    static func bytes<Value: FixedWidthInteger>(
        _ values: [Value], isBigEndian: Bool = false
    ) -> [UInt8] {
        values.flatMap { value in
            withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
        }
    }

    @Test("bytes stay, in both orders of the axes", arguments: [1, 2, 3] as [UInt8])
    func orders(version: UInt8) throws {
        let image = noise(width: 5, height: 4, channels: 3)
        let rows = Self.file("|u1", "(4, 5, 3)", version: version, image.pixels)
        #expect(try decoder.decode(rows, name: "a.npy") == image)
        var turned: [UInt8] = []
        for c in 0..<3 { for x in 0..<5 { for y in 0..<4 { turned.append(image[y, x, c]) } } }
        let columns = Self.file(
            "|u1", "(4, 5, 3)", isColumnOrder: true, version: version, turned)
        #expect(try decoder.decode(columns, name: "a.npy") == image)
    }

    @Test("the header says what the file holds")
    func header() throws {
        let kinds: [(String, Int, Int, Bool, ImageHeader.ColorModel)] = [
            ("(4, 5)", 1, 1, false, .grey), ("(4, 5, 1)", 1, 1, false, .grey),
            ("(4, 5, 2)", 1, 2, true, .grey), ("(4, 5, 3)", 3, 3, false, .rgb),
            ("(4, 5, 4)", 3, 4, true, .rgb),
        ]
        for (shape, channels, stored, alpha, model) in kinds {
            let bytes = Self.file("<u2", shape, [])
            let header = try bytes.withUnsafeBytes { try decoder.header($0, name: "a") }
            #expect((header.height, header.width, header.channels) == (4, 5, channels))
            #expect((header.bitDepth, header.hasAlpha, header.colorModel) == (16, alpha, model))
            #expect((header.format, header.orientation, header.isAnimated) == (.numpy, 1, false))
            var all = decoder
            all.channels = .stored
            #expect(try bytes.withUnsafeBytes { try all.header($0, name: "a") }.channels == stored)
        }
    }

    @Test("alpha is dropped, or kept with all channels that are stored")
    func channels() throws {
        for stored in [2, 4, 7, 1024] {
            let image = noise(width: 3, height: 2, channels: stored)
            let bytes = Self.file("|u1", "(2, 3, \(stored))", image.pixels)
            var all = decoder
            all.channels = .stored
            #expect(try all.decode(bytes, name: "a") == image)
            guard stored <= 4 else { continue }
            let picture = try decoder.decode(bytes, name: "a")
            #expect(picture.channels == stored - 1)
            for y in 0..<2 {
                for x in 0..<3 {
                    for c in 0..<stored - 1 { #expect(picture[y, x, c] == image[y, x, c]) }
                }
            }
        }
    }

    @Test("16 bits keep their upper byte, or have a range", arguments: [false, true])
    func sixteenBits(isBigEndian: Bool) throws {
        let values: [UInt16] = [0, 0x12FF, 0xAB01, 65535]
        let bytes = Self.file(
            isBigEndian ? ">u2" : "<u2", "(1, 4)", Self.bytes(values, isBigEndian: isBigEndian))
        #expect(try decoder.decode(bytes, name: "a").pixels == [0, 0x12, 0xAB, 255])
        var ranged = decoder
        ranged.range = 4863...43777  // the second and the third
        #expect(try ranged.decode(bytes, name: "a").pixels == [0, 0, 255, 255])
    }

    @Test("all other numbers take a range", arguments: [false, true])
    func ranges(isBigEndian: Bool) throws {
        var ranged = decoder
        ranged.range = -10...10
        let order = isBigEndian ? ">" : "<"
        let values = [-128, -10, 0, 10, 127]
        // 0 is the middle: 127.5, rounded up.
        let expected: [UInt8] = [0, 0, 128, 255, 255]
        func check(_ type: String, _ elements: [UInt8]) throws {
            let bytes = Self.file(type, "(1, 5)", elements)
            #expect(try ranged.decode(bytes, name: "a").pixels == expected, "\(type)")
            let error = #expect(throws: ImageError.self) { try decoder.decode(bytes, name: "a") }
            #expect(error?.kind == .unsupported)
            #expect(error?.description.hasSuffix("set data.range to the two values") == true)
        }
        try check("|i1", Self.bytes(values.map { Int8($0) }))
        try check(order + "i2", Self.bytes(values.map { Int16($0) }, isBigEndian: isBigEndian))
        try check(order + "i4", Self.bytes(values.map { Int32($0) }, isBigEndian: isBigEndian))
        try check(order + "i8", Self.bytes(values.map { Int64($0) }, isBigEndian: isBigEndian))
        try check(
            order + "f2",
            Self.bytes(values.map { Float16($0).bitPattern }, isBigEndian: isBigEndian))
        try check(
            order + "f4", Self.bytes(values.map { Float($0).bitPattern }, isBigEndian: isBigEndian))
        try check(
            order + "f8",
            Self.bytes(values.map { Double($0).bitPattern }, isBigEndian: isBigEndian))
        ranged.range = 10...20
        let large = Self.bytes([0, 10, 15, 20, .max] as [UInt64], isBigEndian: isBigEndian)
        #expect(
            try ranged.decode(Self.file(order + "u8", "(1, 5)", large), name: "a").pixels
                == expected)
        let nothing = Self.bytes([Float.nan, -.infinity, .infinity].map(\.bitPattern))
        #expect(
            try ranged.decode(Self.file("<f4", "(1, 3)", nothing), name: "a").pixels
                == [0, 0, 255])
    }

    @Test("false is black, true is white")
    func booleans() throws {
        let bytes = Self.file("|b1", "(2, 2)", [0, 1, 1, 0])
        #expect(try decoder.decode(bytes, name: "a").pixels == [0, 255, 255, 0])
    }

    @Test(
        "a file that ends early is bad, or black where it lacks pixels", arguments: [false, true])
    func truncation(isColumnOrder: Bool) throws {
        let whole = Self.file(
            "|u1", "(2, 3)", isColumnOrder: isColumnOrder, [10, 20, 30, 40, 50, 60])
        var lenient = decoder
        lenient.acceptsTruncated = true
        for count in 6..<whole.count {
            let bytes = Array(whole.prefix(count))
            let error = #expect(throws: ImageError.self) { try decoder.decode(bytes, name: "cut") }
            #expect(error?.kind == .truncated)
            guard count >= whole.count - 6 else { continue }
            let image = try lenient.decode(bytes, name: "cut")
            let left = (1...6).map { UInt8($0 <= 6 - (whole.count - count) ? $0 * 10 : 0) }
            #expect(
                image.pixels == (isColumnOrder ? [0, 2, 4, 1, 3, 5].map { left[$0] } : left))
        }
    }

    @Test("what is no picture is refused with what to do")
    func refusals() throws {
        var small = decoder
        small.limits.maxChannels = 8
        small.limits.maxPixels = 10_000
        small.limits.maxWorkingBytes = 60_000
        for (type, shape, kind, text): (String, String, ImageError.Kind, String) in [
            ("|u1", "(4,)", .unsupported, "shape [4] is no picture; save it as [height, width]"),
            ("|u1", "()", .unsupported, "shape [] is no picture"),
            ("|u1", "(1, 2, 3, 4)", .unsupported, "shape [1, 2, 3, 4] is no picture"),
            ("|u1", "(0, 4)", .corrupt, "has no pixels"),
            ("|u1", "(4, -4)", .corrupt, "has no pixels"),
            ("|u1", "(3, 9, 9)", .tooLarge, "more than the limit of 8; save it as"),
            ("|u1", "(3, 9, 7)", .unsupported, "7 channels, which are neither grey nor RGB"),
            ("|u1", "(3, 9, 7)", .unsupported, "(model.channels=7)"),
            ("|u1", "(101, 100)", .tooLarge, "100x101 pixels, more than the limit of 10000"),
            ("<u2", "(100, 100, 4)", .tooLarge, "more memory than the limit"),
            ("|u1", "(4611686018427387904, 4)", .tooLarge, "more memory than the limit"),
            ("|u1", "(99999999999999999999, 4)", .corrupt, "without descr"),
            ("<c8", "(4, 4)", .unsupported, "'<c8'"), ("|O", "(4, 4)", .unsupported, "no numbers"),
        ] {
            let bytes = Self.file(type, shape, [])
            let error = #expect(throws: ImageError.self, "\(shape)") {
                try bytes.withUnsafeBytes { _ = try small.header($0, name: "x.npy") }
            }
            #expect(error?.kind == kind, "\(shape)")
            #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
        }
    }
}
