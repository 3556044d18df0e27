import Foundation
import Testing

/// Expects each recipe of a method's folder of `configs/pretrain` to name paper, hardware, expected
/// numbers and the command that runs it.
func expectHeaders(
    of files: [String], in folder: URL, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    for file in files {
        let path = folder.appendingPathComponent(file).path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for word in ["Source: ", "Hardware: ", "Expected, ", "Command: tessera pretrain"] {
            #expect(
                text.contains("# \(word)"), "\(file): \(word)", sourceLocation: sourceLocation)
        }
        let name = "configs/pretrain/\(folder.lastPathComponent)/\(file)"
        #expect(text.contains(name), "\(file)", sourceLocation: sourceLocation)
    }
}
