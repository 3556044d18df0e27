import Foundation

/// Some pictures of another source, in an order of their own; labels and classes stay as they are.
public struct SubsetSource: ImageSource {
    public let notes: [String]
    private let whole: any ImageSource
    private let numbers: [Int32]

    /// The pictures of `whole` with these numbers, in this order.
    public init(_ whole: any ImageSource, numbers: [Int]) {
        require(
            numbers.allSatisfy { (0..<whole.count).contains($0) }, "SubsetSource: no such picture")
        self.whole = whole
        self.numbers = numbers.map { Int32($0) }
        notes = whole.notes
    }

    /// The pictures of `whole` that a text file names, in the order of the file.
    ///
    /// A line is the name of a file, as in the published lists of one per cent of ImageNet, or a
    /// path below the folder of the whole. Names may come twice; that is noted.
    ///
    /// - Throws: `DataError` if the list names a picture that is not there, or whose name several
    ///   have.
    public init(_ whole: any ImageSource, list path: String) throws {
        let lines = try ListLines(path)
        guard lines.labels.isEmpty else {
            throw DataError(
                .malformed, path, "has labels, but the folder of the pictures gives them",
                remedy: "take the labels out, or give the list without a folder")
        }
        var wanted: [String: [Int]] = [:]
        for line in 0..<lines.names.count {
            wanted[Self.base(lines.names[line]), default: []] += [line]
        }
        var numbers = [Int32](repeating: -1, count: lines.names.count)
        for picture in 0..<whole.count {
            let name = whole.name(at: picture)
            for line in wanted[Self.base(name)] ?? []
            where Self.name(name, endsIn: lines.names[line]) {
                guard numbers[line] < 0 else {
                    throw DataError(
                        .malformed, path,
                        "names \(lines.names[line]), which is both "
                            + "\(whole.name(at: Int(numbers[line]))) and \(name)",
                        remedy: "write the folder before the name")
                }
                numbers[line] = Int32(picture)
            }
        }
        let missing = numbers.indices.filter { numbers[$0] < 0 }
        if let first = missing.first {
            let example = whole.count > 0 ? ", where a name is \(whole.name(at: 0))" : ""
            throw DataError(
                .missing, path,
                "names \(missing.count) of \(numbers.count) pictures that are not there, such as "
                    + lines.names[first] + example,
                remedy: "check that the list belongs to these pictures")
        }
        let distinct = Set(numbers).count
        let repeated = "\(numbers.count - distinct) lines of \(path) name a picture again"
        notes = whole.notes + (distinct < numbers.count ? [repeated] : [])
        self.whole = whole
        self.numbers = numbers
    }

    public var count: Int { numbers.count }

    public var classNames: [String] { whole.classNames }

    public func label(at index: Int) -> Int? { whole.label(at: Int(numbers[index])) }

    public func name(at index: Int) -> String { whole.name(at: Int(numbers[index])) }

    public func load(_ index: Int, into picture: inout StoredPicture) throws {
        try whole.load(Int(numbers[index]), into: &picture)
    }

    public var fingerprint: String {
        var print = Fingerprint("subset")
        print.add(whole.fingerprint)
        numbers.withUnsafeBytes { print.add($0) }
        return print.text(count: count)
    }

    private static func base(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// Whether a path is the end of another, from the start of a name on.
    private static func name(_ path: String, endsIn end: String) -> Bool {
        path.hasSuffix(end) && (path.utf8.count == end.utf8.count || path.hasSuffix("/" + end))
    }
}
