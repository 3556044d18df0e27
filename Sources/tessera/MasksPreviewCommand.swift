import ArgumentParser
import Configuration
import Data
import Foundation
import Reports
import TensorFiles
import Training

/// Shows masks, and counts what they hide.
struct MasksPreviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Show masks as training draws them, and how often each patch is seen.",
        discussion: """
            tessera masks preview mae --grid 14x14 maskRatio=0.6
            tessera masks preview ijepa --data pictures --draws 5000 --out masks.html
            tessera masks preview featurenorm --image-size 256x256,128x224

            Masks:

            \(list)

            Settings are key=value pairs over those of the publication; the page lists them. Masks \
            are those of a run with the same seed: functions of seed, epoch, picture and view.
            """)

    private static var list: String {
        let width = (Registry.masks.map(\.name.count).max() ?? 0) + 2
        return Registry.masks.map { mask in
            mask.name + String(repeating: " ", count: width - mask.name.count) + mask.title
        }.joined(separator: "\n")
    }

    @Argument(help: "The name of the masks, then settings as key=value.")
    var masks: [String] = []

    @Option(help: "Patches, rows by columns, such as 14x14.")
    var grid: String?

    @Option(help: "Pictures, height by width in pixels; featurenorm takes several. 224x224.")
    var imageSize: String?

    @Option(help: "The side of a patch in pixels.")
    var patch = 16

    @Option(help: "Pictures that masks are shown over, as for `tessera pretrain --data`.")
    var data: String?

    @Option(help: "The page that is written.")
    var out = "masks.html"

    @Option(help: "How many masks are shown.")
    var count = 12

    @Option(help: "How many masks are counted.")
    var draws = 1000

    @Option(help: "Pictures of a batch, which share sizes and lengths in some masks.")
    var batchSize = 64

    @Option(help: "The seed of the run.")
    var seed: UInt64 = 0

    @Option(help: "The epoch, from 0.")
    var epoch = 0

    @Option(help: "The view of a picture, from 0.")
    var view = 0

    @Flag(help: "Print one JSON object: page, its path, the settings, what was counted.")
    var json = false

    func validate() throws {
        for (name, value, range) in [
            ("--count", count, 1...1000), ("--draws", draws, 1...1_000_000),
            ("--batch-size", batchSize, 1...65536), ("--epoch", epoch, 0...1_000_000),
            ("--view", view, 0...65535),
        ] where !range.contains(value) {
            throw ValidationError(
                "\(name) is \(value), expected a number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
    }

    func run() throws {
        let names = masks.filter { !$0.contains("=") }
        guard names.count == 1, let name = names.first else {
            let known = Registry.masks.map(\.name).joined(separator: ", ")
            let found =
                names.isEmpty
                ? "no masks are named" : "\(names.joined(separator: " and ")) are \(names.count)"
            throw UsageError("\(found), expected one of \(known)")
        }
        let named = try Registry.mask(named: name)
        let (scheme, settings) = try named.resolve(masks.filter { $0.contains("=") })
        let sizes = try MaskSizes(
            grid: grid, pictures: imageSize, patchSize: patch, mixed: scheme as? WindowMask)
        // Before the work whose result it is to hold.
        let file = try AtomicFile(path: out)
        let source = try source()
        let preview = try MaskPreview(
            MaskPreview.Plan(
                scheme: scheme, sizes: sizes, source: source,
                // A folder smaller than a batch can be looked at, too.
                batchSize: min(batchSize, source?.count ?? batchSize),
                seed: seed, epoch: epoch, view: view, count: count, draws: draws))
        let page = MaskPage(name: named, settings: settings, preview: preview, data: data)
        try file.finish(Data(try page.page().html.markup.utf8))
        guard json else { return print(out) }
        try JSONLine.write(
            Written(
                page: out, name: name,
                settings: Dictionary(
                    settings.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }),
                statistics: MaskFacts(preview),
                remarks: preview.statistics.count == 1
                    ? MaskAdvice(scheme, preview.statistics[0]).remarks.map(\.title) : []))
    }

    private func source() throws -> (any ImageSource)? {
        guard let data else { return nil }
        let progress = SourceProgress(silent: json)
        let source = try openSource(data, split: .train, options: progress.options)
        for note in source.notes { progress.note(note) }
        return source
    }

    private struct Written: Encodable {
        let page: String
        let name: String
        let settings: [String: String]
        let statistics: MaskFacts
        let remarks: [String]
    }
}
