public import ArgumentParser
public import Data
import Foundation
import Imaging

/// Packs pictures into shards that load faster.
struct DataPackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Pack pictures into shards: fewer and larger files, perhaps smaller pictures.",
        discussion: """
            tessera data pack pictures packed
            tessera data pack imagenet imagenet-256 --short-side 256 --quality 92 --verify

            A pack is a folder of tar files, which other programs read too, with an index and \
            checksums. Without --short-side every byte is kept. Where the data have a validation \
            part, OUT gets the folders train and val. What was interrupted goes on where it \
            stopped; a folder under its final name is whole.
            """)

    @Argument(help: "The pictures, as for `tessera pretrain --data`.")
    var path: String

    @Argument(help: "The folder of the pack; it must not exist.")
    var out: String

    @Option(help: "Pack this part alone: train, validation or all.")
    var split: Split?

    @Option(help: "Resize pictures whose shorter side is longer; without it they stay as they are.")
    var shortSide: Int?

    @Option(help: "JPEG quality of resized pictures, 1 to 100.")
    var quality = 90

    @Option(help: "How resized pictures are stored: same, jpeg or png.")
    var form = PackSettings.Form.same

    @Option(help: "Largest size of a shard in megabytes.")
    var shardSize = 256

    @Option(help: "Store in a random order, by this seed, for programs that read shards in turn.")
    var shuffle: UInt64?

    @Option(help: "Threads; the default is one a core. They never change a byte.")
    var threads: Int?

    @Flag(help: "Read everything back and compare it with its checksums.")
    var verify = false

    @Flag(help: "Print one JSON object for each pack.")
    var json = false

    func validate() throws {
        for (name, value) in [("--threads", threads), ("--shard-size", shardSize)] {
            if let value, !(1...1_000_000).contains(value) {
                throw ValidationError("\(name) is \(value), expected a number from 1 to 1000000")
            }
        }
    }

    func run() throws {
        let progress = SourceProgress(silent: json)
        if let split {
            try pack(
                openSource(path, split: split, options: progress.options), split, out, progress)
            return
        }
        let train = try openSource(path, split: .train, options: progress.options)
        guard let validation = try validation(progress.options) else {
            try pack(train, .all, out, progress)
            return
        }
        try pack(train, .train, "\(out)/train", progress)
        try pack(validation, .validation, "\(out)/val", progress)
    }

    /// The validation part, nil where the data have none.
    private func validation(_ options: SourceOptions) throws -> (any ImageSource)? {
        do {
            return try openSource(path, split: .validation, options: options)
        } catch let error as DataError where error.kind == .missing { return nil }
    }

    private var settings: PackSettings {
        var settings = PackSettings()
        (settings.shortSide, settings.quality) = (shortSide, quality)
        (settings.form, settings.shuffleSeed) = (form, shuffle)
        settings.shardBytes = shardSize << 20
        settings.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        return settings
    }

    private func pack(
        _ source: any ImageSource, _ split: Split, _ folder: String, _ progress: SourceProgress
    ) throws {
        for note in source.notes { progress.note("\(path): \(note)") }
        var writer = try PackWriter(source, split: split, root: path, settings: settings)
        writer.progress = { done in
            progress.update(
                "\(folder): \(done) of \(source.count) pictures", isLast: done == source.count)
        }
        let report = try writer.write(to: folder)
        let pack = try PackSource(folder)
        if verify { try pack.verify() }
        guard !json else {
            try JSONLine.write(Facts(folder, report, pack, isVerified: verify))
            return
        }
        let already = report.wasThere ? ", packed before" : ""
        print(
            "\(folder): \(pack.count) pictures in \(report.shards) shards, "
                + readableBytes(pack.storedBytes) + already + (verify ? ", verified" : ""))
        if let first = report.leftOut.first {
            print(
                "  \(report.leftOut.count) pictures could not be read (bad_files.jsonl in the pack); "
                    + "the first: \(first.reason)")
        }
    }

    private struct Facts: Encodable {
        let folder: String
        let pictures: Int
        let shards: Int
        let bytes: Int
        let leftOut: [PackWriter.LeftOut]
        let resumed: Int
        let wasThere: Bool
        let isVerified: Bool
        let fingerprint: String

        init(_ folder: String, _ report: PackWriter.Report, _ pack: PackSource, isVerified: Bool) {
            self.folder = folder
            (pictures, shards) = (pack.count, report.shards)
            (bytes, leftOut) = (pack.storedBytes, report.leftOut)
            (resumed, wasThere) = (report.resumed, report.wasThere)
            self.isVerified = isVerified
            fingerprint = pack.fingerprint
        }
    }
}

extension PackSettings.Form: ExpressibleByArgument {}
