import Configuration
import Testing

/// Settings of which a recipe says by one key what kind they are.
@Suite("One of several kinds of settings") struct SettingChoiceTests {
    /// A shape: a square, a frame with a shape inside, or a pattern that refuses itself.
    struct Shape: SettingChoice, Equatable {
        struct Square: Codable, Equatable {
            var side = 4
            var fill: Double? = 0.5
        }
        struct Frame: Codable, Equatable {
            enum Look: String, Codable, CaseIterable { case plain, double }
            var look = Look.plain
            var inside: [Shape] = []
        }
        struct Refusal: Error, CustomStringConvertible { let description: String }

        var square: Square?
        var frame: Frame?

        static let kinds = ["square", "frame"]

        static func defaults(of kind: String) -> (any Encodable & Sendable)? {
            switch kind {
            case "square": Square()
            case "frame": Frame()
            default: nil
            }
        }

        private enum Key: CodingKey { case square, frame }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            square = try container.decodeIfPresent(Square.self, forKey: .square)
            frame = try container.decodeIfPresent(Frame.self, forKey: .frame)
            if let square, square.side > 100 {
                throw Refusal(description: "a side of \(square.side) does not fit")
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            if let square { try container.encode(square, forKey: .square) }
            if let frame { try container.encode(frame, forKey: .frame) }
        }
    }

    struct Drawing: Configuration {
        var shapes: [Shape] = []
    }

    private func error(_ yaml: String) -> String {
        message { _ = try Drawing.resolve(recipe: Recipe(yaml: yaml, named: "r.yaml")) }
    }

    @Test("arguments go over the defaults of the kind, also where kinds are nested")
    func values() throws {
        let yaml = """
            shapes:
              - square:
              - frame: {look: double, inside: [{square: {side: 7}}]}
            """
        let resolved = try Drawing.resolve(recipe: Recipe(yaml: yaml, named: "r.yaml"))
        let shapes = resolved.value.shapes
        #expect(shapes.count == 2 && shapes[0].square == .init())
        #expect(shapes[1].frame?.look == .double)
        #expect(shapes[1].frame?.inside.first?.square?.side == 7)
        #expect(shapes[1].frame?.inside.first?.square?.fill == 0.5)
        let again = try Drawing.resolve(
            recipe: Recipe(yaml: resolved.yaml(), named: "again.yaml"))
        #expect(again.value.shapes == shapes)
    }

    @Test("an error names the argument, where it stands, what was found and expected")
    func errors() {
        let cases = [
            (
                "shapes: [{squre: {}}]",
                "r.yaml:1: unknown key 'shapes[0].squre'; did you mean 'square'? "
                    + "Known here: frame, square"
            ),
            (
                "shapes:\n- square: {}\n- square:\n    sides: 3",
                "r.yaml:4: unknown key 'shapes[1].square.sides'; did you mean 'side'? "
                    + "Known here: side, fill"
            ),
            (
                "shapes:\n- square: {side: big}",
                "r.yaml:2: shapes[0].square.side is 'big', expected a whole number"
            ),
            (
                "shapes:\n- frame: {inside: [{square: {}}, {frame: {look: tripl}}]}",
                "r.yaml:2: shapes[0].frame.inside[1].frame.look is 'tripl', expected one of plain, "
                    + "double"
            ),
            (
                "shapes: [square]",
                "r.yaml:1: shapes[0] is 'square', expected a mapping with one key"
            ),
            (
                "shapes: [{square: {}, frame: {}}]",
                "r.yaml:1: shapes[0] is a mapping of square, frame, expected a mapping with one key"
            ),
            (
                "shapes: [{square: 3}]",
                "r.yaml:1: shapes[0].square is '3', expected a section of side, fill"
            ),
            ("shapes: [{square: {side: 101}}]", "a side of 101 does not fit"),
        ]
        for (yaml, text) in cases {
            let found = error(yaml)
            #expect(found.contains(text), "\(found)")
        }
    }
}
