import ArgumentParser
import Checkpoints
import Foundation
import Training

/// Which encoder a command works with: the same options on every command that takes weights.
struct WeightsOptions: ParsableArguments {
    @Option(
        help: """
            The folder of a run, or a checkpoint of any known family: .safetensors, .pth, .pt, an \
            index of shards, a folder of Hugging Face's.
            """)
    var weights: String

    @Option(
        help: """
            Which encoder of a file that holds several, such as student or model_ema; \
            `checkpoint inspect` lists them.
            """)
    var part: String?

    @Option(help: "Attention heads, where neither tensors nor config.json tell them.")
    var heads: Int?

    @Flag(help: "Go on with an encoder of which tensors are missing or not understood.")
    var allowPartial = false

    func validate() throws {
        if let heads, heads < 1 {
            throw ValidationError("--heads is \(heads), expected a number above 0")
        }
    }

    /// Loads the encoder and says on stderr what of a foreign checkpoint reached it.
    func load() throws -> PretrainedEncoder {
        let encoder = try EncoderLoader.load(
            weights,
            CheckpointLoader.Options(part: part, heads: heads, allowPartial: allowPartial))
        if let report = encoder.coverage {
            FileHandle.standardError.write(Data((report.brief + "\n").utf8))
        } else {
            try requireNone("\(weights) is a run of ours, which is loaded whole")
        }
        return encoder
    }

    /// Throws `UsageError` where something is said that would be ignored.
    func requireNone(_ reason: String) throws {
        guard part != nil || heads != nil || allowPartial else { return }
        throw UsageError(
            "\(reason): --part, --heads and --allow-partial are for checkpoints of others")
    }
}
