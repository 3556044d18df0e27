import TensorFiles

// Tensors that are not where they say they are.
extension HostileForm {
    private static func tensor(
        offset: Int = 0, shape: [Int] = [2], strides: [Int] = [1], key: String = "0",
        storageClass: String = "FloatStorage", count: Int = 7
    ) -> [UInt8] {
        var tensor = Fixture.weight
        (tensor.offset, tensor.shape, tensor.strides) = (offset, shape, strides)
        (tensor.key, tensor.storageClass) = (key, storageClass)
        return Fixture.zip(
            PickleBytes.program { p in
                p.global("torch._utils", "_rebuild_tensor_v2")
                p.tuple { p in
                    p.storage(tensor, numel: count)
                    p.long(offset)
                    p.tuple { p in shape.forEach { p.long($0) } }
                    p.tuple { p in strides.forEach { p.long($0) } }
                    p.bool(false)
                    p.op("}")
                }
                p.op("R")
            })
    }

    static let sizes: [HostileForm] = [
        .init("a size below zero", tensor(shape: [-1]), .refused(.malformed, "negative size")),
        .init(
            "a stride below zero", tensor(strides: [-1]),
            .refused(.malformed, "negative size, stride")),
        .init(
            "an offset below zero", tensor(offset: -4),
            .refused(.malformed, "negative size, stride or offset")),
        .init(
            "more elements than memory", tensor(shape: [1 << 40, 1 << 40], strides: [0, 0]),
            .refused(.malformed, "more elements than memory can hold")),
        .init(
            "a product that overflows to little",
            tensor(shape: [1 << 32, 1 << 32], strides: [0, 0]),
            .refused(.malformed, "more elements than memory can hold")),
        .init(
            "a stride that overflows", tensor(shape: [3], strides: [.max]),
            .refused(.malformed, "reaches beyond its storage")),
        .init(
            "an offset that overflows", tensor(offset: .max),
            .refused(.malformed, "reaches beyond its storage")),
        .init(
            "an offset that overflows in bytes", tensor(offset: 1 << 62, shape: [1], strides: [1]),
            .refused(.malformed, "reaches beyond its storage of 7 elements")),
        .init(
            "no elements, and an offset that overflows",
            tensor(offset: .max, shape: [1, 0], strides: [2, 1]), .tensors(1)),
        .init(
            "a dimension of one with a stride that overflows",
            tensor(shape: [1, 2], strides: [.max, 2]), .tensors(1)),
        .init(
            "one element beyond the end", tensor(offset: 6),
            .refused(.malformed, "reaches beyond its storage of 7 elements")),
        .init(
            "4 bytes expanded to 4 TiB", tensor(shape: [1 << 40], strides: [0]),
            .refused(.malformed, "expands 28 stored bytes to 4398046511104")),
        .init(
            "more sizes than strides", tensor(shape: [1, 2], strides: [1]),
            .refused(.malformed, "has 2 dimensions and 1 strides")),
        .init(
            "65 dimensions",
            tensor(shape: [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65)),
            .refused(.malformed, "offset, shape or strides are no integers")),
        .init(
            "a storage that is not there", tensor(key: "9"),
            .refused(.malformed, "lacks storage '9'")),
        .init(
            "a storage by a path", tensor(key: "../0"), .refused(.malformed, "lacks storage '../0'")
        ),
        .init(
            "a storage of more elements than bytes", tensor(count: 1 << 40),
            .refused(.malformed, "has 28 bytes, 0 + 1099511627776 elements")),
        .init(
            "a storage of another type", tensor(storageClass: "DoubleStorage", count: 3),
            .tensors(1)),
        .init(
            "a quantised storage", tensor(storageClass: "QInt8Storage"),
            .refusedTensor("is quantised")),
        .init("two tensors over the same bytes", Fixture.zip(), .tensors(3)),
        .init(
            "rows that overlap", tensor(shape: [5, 3], strides: [1, 1]), .tensors(1)),
        .init(
            "an array of Python objects",
            pickle:
                "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\u{0}tC\u{1}btR(K\u{1}(K\u{1}tcnumpy\ndtype\n"
                + "(VO8\ntRI00\n](cos\nsystem\n(S'id'\ntRetb.",
            .refusedTensor("is a NumPy array whose elements are not numbers")),
        .init(
            "an array of more elements than bytes",
            pickle:
                "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\u{0}tC\u{1}btR(K\u{1}(J\u{FF}\u{FF}\u{FF}\u{7F}tcnumpy\ndtype\n"
                + "(Vf8\ntRI00\nC\u{1}atb.",
            .refused(.malformed, "has an array of shape [2147483647] over 1 bytes")),
    ]
}
