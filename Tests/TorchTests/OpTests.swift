import Foundation
import Testing

@testable import Torch

@Suite("Operators") struct OpTests {
    /// Every `static let name = Op("…")` of the target, with the enumeration it stands in.
    static let declared: [(owner: String, name: String, op: String)] = {
        var found: [(String, String, String)] = []
        for source in sources.values {
            var owner = ""
            for line in source.split(separator: "\n") {
                if let match = line.firstMatch(of: /^enum (\w+) \{/) { owner = String(match.1) }
                if let match = line.firstMatch(of: /static let (\S+) = Op\("([^"]+)"\)/) {
                    found.append((owner, String(match.1), String(match.2)))
                }
            }
        }
        return found
    }()

    static let sources: [String: String] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/Torch").resolvingSymlinksInPath()
        var texts: [String: String] = [:]
        let files = try? FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        for file in files ?? [] where file.pathExtension == "swift" {
            texts[file.lastPathComponent] = try? String(contentsOf: file, encoding: .utf8)
        }
        return texts
    }()

    @Test("every operator named in the sources exists in libtorch, under the name given")
    func resolve() {
        #expect(Self.declared.count > 100)
        for (_, _, name) in Self.declared {
            #expect(Op(name).schema.hasPrefix(name + "("), "\(name)")
        }
    }

    @Test("no operator is named without being used")
    func used() {
        let text = Self.sources.values.joined(separator: "\n")
        for (owner, name, _) in Self.declared {
            let use = "\(owner).\(name.filter { $0 != "`" })"
            let calls = text.ranges(of: use).filter { range in
                let next = text[range.upperBound...].first
                return next == "(" || next == "."
            }
            #expect(!calls.isEmpty, "\(use) is never called")
        }
    }

    @Test("trailing defaults are filled in from the schema")
    func defaults() {
        let add = Op("aten::add.Tensor")
        let (x, y) = (Tensor([1.0, 2.0]), Tensor([10.0, 20.0]))
        #expect(add(.tensor(x), .tensor(y)).values() == [11.0, 22.0])
        #expect(add(.tensor(x), .tensor(y), .double(2)).values() == [21.0, 42.0])
    }

    @Test("lists of results are flattened, and an undefined tensor is nil")
    func results() {
        let x = Tensor([1.0, 2.0, 3.0, 4.0, 5.0])
        let pieces = Op("aten::split.Tensor").tensors(.tensor(x), .int(2), .int(0), capacity: 3)
        #expect(pieces.map { $0?.count } == [2, 2, 1])
        let normalized = Op("aten::native_layer_norm").tensors(
            .tensor(x), .ints([5]), .none, .none, .double(1e-5))
        #expect(normalized.count == 3 && normalized.allSatisfy { $0 != nil })
    }

    @Test("an operator can be found from many threads at once")
    func concurrentLookup() async {
        let op = Op("aten::mul.Tensor")
        let sums = await withTaskGroup(of: Double.self) { group in
            for i in 0..<64 {
                group.addTask {
                    let x = Tensor([Double(i), 1.0])
                    return op(.tensor(x), .tensor(x)).sum().item
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let expected: [Double] = (0..<64).map { Double($0 * $0 + 1) }
        #expect(sums.sorted() == expected)
    }
}
