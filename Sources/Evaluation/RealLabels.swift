import Foundation

/// Several right classes for each picture, or none: Beyer et al., *Are we done with ImageNet?* (2020).
///
/// The file is a list of lists of class numbers, for the pictures `ILSVRC2012_val_00000001` and on.
public struct RealLabels: Sendable {
    private let classes: [Set<Int>]

    public init(_ classes: [[Int]]) { self.classes = classes.map { Set($0) } }

    /// Reads the JSON of the authors.
    public init(contentsOf path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EvaluationError("\(path) cannot be read: --real-labels takes a JSON file")
        }
        guard let lists = try? JSONDecoder().decode([[Int]].self, from: data) else {
            throw EvaluationError("\(path) is not a JSON list of lists of class numbers")
        }
        self.init(lists)
    }

    public var count: Int { classes.count }

    /// The right classes of picture `number`, counted from 0; empty where people found none.
    public subscript(number: Int) -> Set<Int> { classes[number] }

    /// The number of the picture that a file's name ends in, `…_00000001.JPEG`, counted from 0.
    ///
    /// - Throws: `EvaluationError` where the name has no number, or one beyond the list.
    public func number(of name: String) throws -> Int {
        let stem = name.split(separator: "/").last.map(String.init) ?? name
        let digits = stem.prefix { $0 != "." }.reversed().prefix { $0.isNumber }.reversed()
        guard let number = Int(String(digits)), (1...max(count, 1)).contains(number), count > 0
        else {
            throw EvaluationError(
                "\(name) is not numbered from 1 to \(count), as pictures with real labels are: "
                    + "ILSVRC2012_val_00000001.JPEG")
        }
        return number - 1
    }
}
