internal import CTorch
internal import Synchronization

/// An operator of libtorch, found by its name at the first call.
///
/// Arguments go in the order of the operator's schema; trailing defaults may be left out.
package final class Op: Sendable {
    /// The name with its overload, such as `aten::add.Tensor`.
    package let name: String
    private let handle = Mutex<Handle?>(nil)

    private struct Handle: @unchecked Sendable {
        // Unchecked: the dispatcher keeps operators at fixed addresses and they are immutable.
        let pointer: ct_op
    }

    package init(_ name: String) {
        self.name = name
    }

    /// The operator's schema as libtorch prints it.
    package var schema: String { text(api.op_schema(pointer)) }

    private var pointer: ct_op {
        handle.withLock { handle in
            if let handle { return handle.pointer }
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            var found: ct_op?
            check(api.op_find(parts[0], parts.count > 1 ? parts[1] : "", &found), in: name)
            guard let found else { fatalError("\(name): found without a handle") }
            handle = Handle(pointer: found)
            return found
        }
    }

    /// The operator's only result, a tensor.
    package func callAsFunction(_ arguments: Argument...) -> Tensor {
        withResults(arguments, capacity: 1) { results in
            guard results.count == 1, results[0].tag == Int32(CT_TENSOR.rawValue),
                let handle = results[0].u.t
            else { fatalError("\(name) did not return one tensor") }
            return Tensor(owning: handle)
        }
    }

    /// All tensors among the operator's results, at most `capacity`; lists are flattened and an
    /// undefined tensor is nil.
    package func tensors(_ arguments: Argument..., capacity: Int = 8) -> [Tensor?] {
        withResults(arguments, capacity: capacity) { results in
            results.map { $0.u.t.map(Tensor.init(owning:)) }
        }
    }

    /// For operators that change their arguments and whose results, the same tensors, are not
    /// needed.
    package func run(_ arguments: Argument..., capacity: Int = 1) {
        withResults(arguments, capacity: capacity) { results in
            for result in results where result.tag == Int32(CT_TENSOR.rawValue) {
                if let handle = result.u.t { api.tensor_release(handle) }
            }
        }
    }

    /// The operator's only result, a number or a truth value.
    package func scalar(_ arguments: Argument...) -> Double {
        withResults(arguments, capacity: 1) { results in
            switch UInt32(results[0].tag) {
            case CT_DOUBLE.rawValue: results[0].u.d
            default: Double(results[0].u.i)
            }
        }
    }

    private func withResults<Result>(
        _ arguments: [Argument], capacity: Int,
        _ body: (UnsafeMutableBufferPointer<ct_value>.SubSequence) -> Result
    ) -> Result {
        let words = arguments.reduce(0) { $0 + $1.wordCount }
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: Swift.max(words, 1)) { words in
            withUnsafeTemporaryAllocation(of: ct_arg.self, capacity: Swift.max(arguments.count, 1))
            {
                packed in
                withUnsafeTemporaryAllocation(of: ct_value.self, capacity: capacity) { results in
                    var free = UnsafeMutableRawPointer(words.baseAddress)
                    for (index, argument) in arguments.enumerated() {
                        packed.initializeElement(at: index, to: argument.pack(into: &free))
                    }
                    var count: Int64 = 0
                    // The arguments hold the tensors, and thereby the handles, through the call.
                    let status = withExtendedLifetime(arguments) {
                        api.op_call(
                            pointer, packed.baseAddress, Int64(arguments.count),
                            results.baseAddress, Int64(capacity), &count)
                    }
                    check(
                        status, in: name,
                        arguments: arguments.map(\.summary).joined(separator: ", "))
                    return body(results[..<Int(count)])
                }
            }
        }
    }
}

extension Op {
    /// The first two results, tensors both.
    func pair(_ a: Argument, _ b: Argument, _ c: Argument, _ rest: Argument...) -> (
        Tensor, Tensor
    ) {
        let results = withResults([a, b, c] + rest, capacity: 2) { results in
            results.map { $0.u.t.map(Tensor.init(owning:)) }
        }
        guard results.count == 2, let first = results[0], let second = results[1] else {
            fatalError("\(name) did not return two tensors")
        }
        return (first, second)
    }
}
