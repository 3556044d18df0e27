import Foundation

/// Figures as PNG, drawn from their SVG by librsvg's own program, `rsvg-convert`.
struct FigureRaster {
    private let program: String

    /// - Throws: `UsageError` where the program is not on the path.
    init() throws {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard
            let found = folders.map({ "\($0)/rsvg-convert" })
                .first(where: FileManager.default.isExecutableFile)
        else {
            throw UsageError(
                "--png needs rsvg-convert, which is not on the PATH: apt install librsvg2-bin, or "
                    + "leave --png out and take the SVG files")
        }
        program = found
    }

    /// Writes `name.png` beside `name.svg`, at twice its size, on white.
    ///
    /// - Throws: `UsageError` with what the program says.
    func draw(_ figure: URL) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [
            "--zoom", "2", "--background-color", "white", "--output",
            figure.deletingPathExtension().appendingPathExtension("png").path, figure.path,
        ]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw UsageError(
                "\(program) cannot draw \(figure.path): "
                    + said.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}
