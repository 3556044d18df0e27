import FoundationEssentials

/// The JSON header of a safetensors file, decoded and checked for form.
struct SafeTensorsHeader {
    struct Entry {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        /// Bytes `begin..<end` of the data section.
        let begin: Int
        let end: Int
    }

    /// Sorted by place in the data; tensors without elements by name among themselves.
    let tensors: [Entry]
    let metadata: [String: String]

    static let reservedName = "__metadata__"

    init(_ header: ByteSlice, file: String) throws(TensorFileError) {
        func failure(_ problem: String, _ place: String = "header") -> TensorFileError {
            TensorFileError(
                .malformed, file: file, place: place, problem: problem,
                remedy: "this is no valid safetensors file")
        }
        let outline = try header.withUnsafeBytes { bytes throws(TensorFileError) in
            do throws(JSONOutline.Refusal) {
                return try JSONOutline(bytes, depthLimit: 4)
            } catch { throw failure(error.reason) }
        }
        let members: [String: Member]
        do {
            members = try JSONDecoder().decode([String: Member].self, from: Data(header.array))
        } catch let DecodingError.typeMismatch(_, context) {
            throw failure(context.debugDescription, Self.place(context))
        } catch let DecodingError.dataCorrupted(context) {
            throw failure(context.debugDescription, Self.place(context))
        } catch let DecodingError.keyNotFound(key, context) {
            throw failure("has no \(key.stringValue)", Self.place(context))
        } catch {
            throw failure("is not readable as JSON: \(error)")
        }
        // A dictionary keeps one of two equal names; the count of what was written tells.
        guard members.count == outline.membersAtTop else {
            throw failure("names a tensor twice")
        }
        var tensors: [Entry] = []
        var metadata: [String: String] = [:]
        for (name, member) in members {
            switch member {
            case .texts(let texts) where name == Self.reservedName: metadata = texts
            case .tensor(let type, let shape, let offsets) where name != Self.reservedName:
                guard let elementType = ElementType(rawValue: type) else {
                    let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
                    throw TensorFileError(
                        .unsupported, file: file, place: name.quotedForMessage(),
                        problem: "has type \(type.quotedForMessage()), known are \(known)")
                }
                guard offsets.count == 2, offsets[0] >= 0 else {
                    throw failure(
                        "data_offsets are not [begin, end]", name.quotedForMessage())
                }
                tensors.append(
                    Entry(
                        name: name, elementType: elementType, shape: shape, begin: offsets[0],
                        end: offsets[1]))
            default: throw failure("is not an entry of the form expected", name.quotedForMessage())
            }
        }
        guard tensors.allSatisfy({ $0.shape.count <= 64 }) else {
            throw failure("a tensor has more than 64 dimensions")
        }
        self.tensors = tensors.sorted { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
        self.metadata = metadata
    }

    private static func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "header" : path.quotedForMessage()
    }

    /// A value of the header: a tensor's entry, or the dictionary of texts.
    private enum Member: Decodable {
        case tensor(type: String, shape: [Int], offsets: [Int])
        case texts([String: String])

        private enum Key: String, CodingKey {
            case type = "dtype"
            case shape
            case offsets = "data_offsets"
        }

        init(from decoder: any Decoder) throws {
            if decoder.codingPath.last?.stringValue == SafeTensorsHeader.reservedName {
                self = .texts(try [String: String](from: decoder))
                return
            }
            let fields = try decoder.container(keyedBy: Key.self)
            self = .tensor(
                type: try fields.decode(String.self, forKey: .type),
                shape: try fields.decode([Int].self, forKey: .shape),
                offsets: try fields.decode([Int].self, forKey: .offsets))
        }
    }
}

/// What must be known of a JSON text before a decoder may see it: its nesting is bounded, and how
/// many members the outermost object writes down.
struct JSONOutline {
    struct Refusal: Error { let reason: String }

    private(set) var membersAtTop = 0

    /// Looks at brackets, colons and strings only; whether it is JSON, the decoder says.
    init(_ text: UnsafeRawBufferPointer, depthLimit: Int) throws(Refusal) {
        guard text.first == UInt8(ascii: "{") else {
            throw Refusal(reason: "does not start with an opening brace")
        }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in text {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= depthLimit else {
                    throw Refusal(reason: "is nested deeper than \(depthLimit) levels")
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ":") where depth == 1: membersAtTop += 1
            default: break
            }
        }
    }
}
