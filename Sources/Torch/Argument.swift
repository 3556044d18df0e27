internal import CTorch
internal import Foundation

/// An argument of an operator, in the words of the operators' schemas.
package enum Argument {
    case none
    case tensor(Tensor)
    case int(Int)
    case double(Double)
    case bool(Bool)
    case ints([Int])
    case doubles([Double])
    case tensors([Tensor])
    case optionalTensors([Tensor?])
    /// One of the fixed words that some operators take; never user input.
    case string(StaticString)
    case dtype(DType)
    case device(Device)
    case generator(Generator)

    package static func optional(_ tensor: Tensor?) -> Argument {
        tensor.map(Argument.tensor) ?? .none
    }

    package static func optional(_ dtype: DType?) -> Argument {
        dtype.map(Argument.dtype) ?? .none
    }

    package static func optional(_ value: Double?) -> Argument {
        value.map(Argument.double) ?? .none
    }

    package static func optional(_ value: Int?) -> Argument {
        value.map(Argument.int) ?? .none
    }

    package static func optional(_ generator: Generator?) -> Argument {
        generator.map(Argument.generator) ?? .none
    }

    /// How many 8-byte words the argument needs beside its own record.
    var wordCount: Int {
        switch self {
        case .ints(let values): values.count
        case .doubles(let values): values.count
        case .tensors(let values): values.count
        case .optionalTensors(let values): values.count
        default: 0
        }
    }

    /// The record for C; lists are copied to `free`, which moves behind them.
    func pack(into free: inout UnsafeMutableRawPointer?) -> ct_arg {
        var arg = ct_arg()
        func set(_ tag: ct_tag) { arg.tag = Int32(tag.rawValue) }
        func list<Value>(_ tag: ct_tag, _ values: [Value]) {
            set(tag)
            arg.n = Int64(values.count)
            guard let start = free else { return }
            let room = start.bindMemory(to: Value.self, capacity: values.count)
            for (index, value) in values.enumerated() {
                (room + index).initialize(to: value)
            }
            arg.u.p = UnsafeRawPointer(start)
            free = start + values.count * MemoryLayout<Int>.stride
        }
        switch self {
        case .none: set(CT_NONE)
        case .tensor(let tensor):
            set(CT_TENSOR)
            arg.u.p = UnsafeRawPointer(tensor.handle)
        case .int(let value):
            set(CT_INT)
            arg.u.i = Int64(value)
        case .double(let value):
            set(CT_DOUBLE)
            arg.u.d = value
        case .bool(let value):
            set(CT_BOOL)
            arg.u.i = value ? 1 : 0
        case .ints(let values): list(CT_INTS, values)
        case .doubles(let values): list(CT_DOUBLES, values)
        case .tensors(let values): list(CT_TENSORS, values.map(\.handle))
        case .optionalTensors(let values):
            list(CT_OPTIONAL_TENSORS, values.map { $0?.handle })
        case .string(let text):
            set(CT_STRING)
            arg.u.s = UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
        case .dtype(let dtype):
            set(CT_DTYPE)
            arg.u.i = Int64(dtype.rawValue)
        case .device(let device):
            set(CT_DEVICE)
            arg.u.i = device.code
        case .generator(let generator):
            set(CT_GENERATOR)
            arg.u.p = UnsafeRawPointer(generator.handle)
        }
        return arg
    }

    /// The argument in an error message.
    var summary: String {
        switch self {
        case .none: "none"
        case .tensor(let tensor): tensor.summary
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .ints(let values): "\(values)"
        case .doubles(let values): "\(values)"
        case .tensors(let values): "[\(values.map(\.summary).joined(separator: ", "))]"
        case .optionalTensors(let values):
            "[\(values.map { $0?.summary ?? "none" }.joined(separator: ", "))]"
        case .string(let text): "\"\(text)\""
        case .dtype(let dtype): dtype.description
        case .device(let device): device.description
        case .generator: "generator"
        }
    }
}
