public import ArgumentParser
public import Data
public import Training

/// Where a run is written and how it treats its pictures: `pretrain` and `finetune`.
struct RunOptions: ParsableArguments {
    @Option(help: "The folder of the run; it must not hold another one.")
    var out: String

    @Option(help: "What takes the place of a picture that cannot be read, as data.onBad.")
    var onBad: BadFilePolicy?

    @Flag(
        help:
            "Decode large JPEGs at a half or less where that suffices, as data.decoding=fast: not exact."
    )
    var fastDecode = false

    @Flag(help: "Write metrics and scores to standard output, one JSON object a line.")
    var json = false

    /// The settings that the options stand for.
    var overrides: [String] {
        (onBad.map { ["data.onBad=\($0.rawValue)"] } ?? [])
            + (fastDecode ? ["data.decoding=fast"] : [])
    }
}

extension BadFilePolicy: ExpressibleByArgument {}
extension DeviceChoice: ExpressibleByArgument {}
