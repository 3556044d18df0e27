import Testing

@testable import TensorFiles

@Suite("Element types") struct ElementTypeTests {
    static func decode(_ type: ElementType, _ bytes: [UInt8]) -> Double {
        bytes.withUnsafeBytes { type.double(in: $0, at: 0) }
    }

    @Test("values of each type") func values() {
        #expect(Self.decode(.bool, [2]) == 1)
        #expect(Self.decode(.uint8, [255]) == 255)
        #expect(Self.decode(.int8, [255]) == -1)
        #expect(Self.decode(.uint16, [1, 255]) == 65281)
        #expect(Self.decode(.int16, [1, 255]) == -255)
        #expect(Self.decode(.uint32, [255, 255, 255, 255]) == 4_294_967_295)
        #expect(Self.decode(.int32, [255, 255, 255, 255]) == -1)
        #expect(Self.decode(.uint64, [0, 0, 0, 0, 0, 0, 0, 128]) == 9_223_372_036_854_775_808)
        #expect(Self.decode(.int64, [254, 255, 255, 255, 255, 255, 255, 255]) == -2)
        #expect(Self.decode(.float16, [0, 0x3E]) == 1.5)
        #expect(Self.decode(.bfloat16, [0xC0, 0xBF]) == -1.5)
        #expect(Self.decode(.float32, [0, 0, 0xC0, 0x3F]) == 1.5)
        #expect(Self.decode(.float64, [0, 0, 0, 0, 0, 0, 0xF8, 0x3F]) == 1.5)
        #expect(Self.decode(.float8e5m2, [0x3E]) == 1.5)
        #expect(Self.decode(.float8e4m3, [0x3C]) == 1.5)
        #expect(Self.decode(.float8e4m3, [0x7E]) == 448)
        #expect(Self.decode(.float8e4m3, [0x81]) == -0.001953125)
        #expect(Self.decode(.float8e4m3, [0x7F]).isNaN)
        #expect(Self.decode(.float8e8m0, [128]) == 2)
    }

    @Test("names go both ways") func names() {
        for type in ElementType.allCases {
            #expect(ElementType(torchName: type.torchName) == type)
            #expect(ElementType(torchName: "torch." + type.torchName) == type)
            #expect(ElementType(rawValue: type.rawValue) == type)
        }
        #expect(ElementType(torchName: "torch.half") == .float16)
        #expect(ElementType(torchName: "complex64") == nil)
    }
}
