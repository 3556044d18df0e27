import ArgumentParser
import Checkpoints
import Foundation
import ONNXExport
import Training
import VisionModels

/// Writes an encoder for another program.
struct CheckpointExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write an encoder for another program.",
        discussion: """
            tessera checkpoint export --weights runs/mae --to huggingface mae-encoder
            tessera checkpoint export --weights mae.pth --to onnx mae.onnx
            tessera checkpoint export --weights jepa_vissl --to ijepa jepa.pth.tar

            What is written is read back first and must give the same tokens of a picture of noise; \
            ONNX files, which nothing here can run, are not.
            """)

    @OptionGroup var weights: WeightsOptions

    @Option(
        help:
            """
            timm, huggingface (a folder), mae, ibot, vissl, ijepa, stop, safetensors (Tessera's names) or \
            onnx; of a run of ijepa, stop or ibot that name is its whole state as the method's own code \
            saves it.
            """
    )
    var to: String

    @Argument(help: "The file to write; for huggingface the folder.")
    var output: String

    @Flag(help: "Replace the output if it exists.")
    var force = false

    @Flag(help: "Print one JSON object: files, family, difference, untold, holds.")
    var json = false

    /// What was written.
    private struct Outcome: Encodable {
        enum Contents: String, Encodable {
            case encoder
            case run
        }

        let files: [String]
        let family: String?
        let difference: Double?
        let untold: [String]
        var holds = Contents.encoder
    }

    private static var names: [String] {
        let targets = ExportTarget.allCases.map(\.rawValue) + ["onnx"]
        return targets
            + Set(Registry.continuing.map { $0.foreignName }).subtracting(targets).sorted()
    }

    func validate() throws {
        guard Self.names.contains(to) else {
            throw ValidationError(
                "--to is '\(to)', expected one of \(Self.names.joined(separator: ", "))")
        }
    }

    func run() throws {
        guard force || !FileManager.default.fileExists(atPath: output) else {
            throw UsageError("\(output) exists: give another name, or --force to replace it")
        }
        if let method = try wholeRun() {
            try weights.requireNone("a run is written whole")
            let untold = try RunExport.write(run: weights.weights, of: method, to: output)
            return try show(
                Outcome(files: [output], family: to, difference: nil, untold: untold, holds: .run))
        }
        let encoder = try weights.load()
        guard let model = encoder.model as? VisionTransformer else {
            throw UsageError(
                "\(weights.weights) holds no vision transformer: others cannot be exported")
        }
        try show(write(model, encoder))
    }

    private func show(_ outcome: Outcome) throws {
        guard !json else { return try JSONLine.write(outcome) }
        let check = outcome.difference.map { "; read back, tokens differ by \($0)" } ?? ""
        print(
            outcome.files.joined(separator: ", ")
                + (outcome.family.map { ": \($0)" } ?? "") + check)
        if outcome.holds == .run {
            print("it holds the whole state of the run, to be continued")
        } else if ExportTarget(rawValue: to)?.isPartOfRun == true {
            print(
                "it holds the encoder alone, not a run's state: it can be evaluated, not continued")
        }
        if !outcome.untold.isEmpty {
            print("the other program has to be told: " + outcome.untold.joined(separator: ", "))
        }
    }

    /// The method whose run is written whole; a name that is an encoder's too means a run only where one
    /// is given.
    ///
    /// Another method's run is an encoder for `--to ibot`, and a mistake for `--to ijepa`.
    private func wholeRun() throws -> (any ContinuingMethod.Type)? {
        let methods = Registry.continuing.filter { $0.foreignName == to }
        let found = try RunExport.methodName(of: weights.weights)
        if let own = methods.first(where: { $0.name == found }) { return own }
        guard let target = ExportTarget(rawValue: to) else { return methods.first }
        return found != nil && target.isPartOfRun ? methods.first : nil
    }

    private func write(
        _ model: VisionTransformer, _ encoder: PretrainedEncoder
    ) throws -> Outcome {
        if let target = ExportTarget(rawValue: to) {
            let written = try CheckpointExporter(target).write(model, to: output)
            return Outcome(
                files: written.files, family: written.family, difference: written.difference,
                untold: written.untold)
        }
        func text(_ numbers: [Double]) -> String {
            numbers.map { "\($0)" }.joined(separator: ",")
        }
        let file = try ONNXFile.write(
            model, to: output,
            metadata: ["mean": text(encoder.data.mean), "std": text(encoder.data.std)])
        return Outcome(
            files: [file.path] + [file.weightsPath].compactMap { $0 }, family: nil, difference: nil,
            untold: [])
    }
}
