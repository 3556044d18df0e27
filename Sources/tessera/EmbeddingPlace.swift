import Foundation

/// Where features go: the output, the list of its rows, and what is there until they are complete.
struct EmbeddingPlace {
    enum Form: String { case safetensors, npy }

    /// The file as the user named it.
    let output: String
    let form: Form

    init(_ output: String) throws {
        let url = URL(fileURLWithPath: output)
        guard let form = Form(rawValue: url.pathExtension) else {
            throw UsageError(
                "--out is '\(output)': its ending says the form, .safetensors or .npy")
        }
        let folder = url.deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue
        else { throw UsageError("--out is '\(output)': the folder \(folder) does not exist") }
        self.output = output
        self.form = form
    }

    /// One line a row: the picture, its class, why it could not be read.
    var list: String { String(output.dropLast(form.rawValue.count)) + "jsonl" }

    /// A folder with the rows that are done.
    var unfinished: String { output + ".unfinished" }

    var rows: String { unfinished + "/rows" }
    var badRows: String { unfinished + "/bad.jsonl" }
    var journal: String { unfinished + "/journal.json" }

    /// An existing output is only replaced on demand, or where this command has just written it.
    func checkOutput(force: Bool) throws {
        let files = FileManager.default
        guard files.fileExists(atPath: output), !force, !files.fileExists(atPath: journal) else {
            return
        }
        throw UsageError("\(output) exists: give another --out, or --force to replace it")
    }
}
