extension PickleValue: CustomStringConvertible {
    /// The value in one line, in Python's spelling, cut where it gets long or deep.
    public var description: String {
        var text = ""
        var budget = 60
        describe(into: &text, depth: 4, budget: &budget)
        return text
    }

    private func describe(into text: inout String, depth: Int, budget: inout Int) {
        budget -= 1
        guard budget >= 0, depth >= 0 else {
            text += "…"
            return
        }
        switch node {
        case .none: text += "None"
        case .bool(let value): text += value ? "True" : "False"
        case .int(let value): text += "\(value)"
        case .bigInt(let index): text += "integer of \(graph.store.slices[Int(index)].count) bytes"
        case .double(let value): text += "\(value)"
        case .string(let string): text += string.quotedForMessage(limit: 200)
        case .bytes(let index): text += "\(graph.store.slices[Int(index)].count) bytes"
        case .list(let items): describe(items, "[", "]", &text, depth, &budget)
        case .tuple(let items):
            describe(items, "(", items.count == 1 ? ",)" : ")", &text, depth, &budget)
        case .set(let items): describe(items, "{", "}", &text, depth, &budget)
        case .dict(let pairs): describe(pairs: pairs, "{", "}", &text, depth, &budget)
        case .global(let index):
            let global = graph.store.globals[Int(index)]
            text += "\(global.module).\(global.name)".unquotedForMessage(limit: 200)
        case .object(let index):
            let object = graph.store.objects[Int(index)]
            describeObject(object, &text, depth, &budget)
        case .persistent(let id):
            text += "persistent "
            value(id).describe(into: &text, depth: depth - 1, budget: &budget)
        case .tensor(let index): text += "tensor(\(graph.store.tensors[Int(index)]))"
        case .refused(let index):
            text += "tensor that is not read: \(graph.store.reasons[Int(index)])"
        }
    }

    private func describe(
        _ items: [NodeID], _ start: String, _ end: String, _ text: inout String, _ depth: Int,
        _ budget: inout Int
    ) {
        text += start
        for (index, item) in items.enumerated() {
            if index > 0 { text += ", " }
            guard budget > 0 else {
                text += "… \(items.count) in all"
                break
            }
            value(item).describe(into: &text, depth: depth - 1, budget: &budget)
        }
        text += end
    }

    private func describe(
        pairs: [NodeID], _ start: String, _ end: String, _ text: inout String, _ depth: Int,
        _ budget: inout Int
    ) {
        text += start
        for index in stride(from: 0, to: pairs.count & ~1, by: 2) {
            if index > 0 { text += ", " }
            guard budget > 0 else {
                text += "… \(pairs.count / 2) in all"
                break
            }
            value(pairs[index]).describe(into: &text, depth: depth - 1, budget: &budget)
            text += ": "
            value(pairs[index + 1]).describe(into: &text, depth: depth - 1, budget: &budget)
        }
        text += end
    }

    private func describeObject(
        _ object: PickleObjectNode, _ text: inout String, _ depth: Int, _ budget: inout Int
    ) {
        text += PickleObject(object, graph).name.unquotedForMessage(limit: 200)
        if let arguments = graph.store.tuple(object.arguments) {
            describe(arguments, "(", ")", &text, depth, &budget)
        } else {
            text += "(…)"
        }
        if !object.items.isEmpty { describe(object.items, " [", "]", &text, depth, &budget) }
        if !object.pairs.isEmpty { describe(pairs: object.pairs, " {", "}", &text, depth, &budget) }
        if let state = object.state {
            text += " with "
            value(state).describe(into: &text, depth: depth - 1, budget: &budget)
        }
    }
}

extension String {
    fileprivate func unquotedForMessage(limit: Int) -> String {
        String(quotedForMessage(limit: limit).dropFirst().dropLast())
    }
}
