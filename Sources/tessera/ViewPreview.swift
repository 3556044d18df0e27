import Data
import Foundation
import Imaging
import Reports
import Training

/// The views that a run would make of its first pictures, in its first epochs.
struct ViewPreview {
    /// A picture and what becomes of it.
    struct Row {
        let name: String
        let stored: ImageBuffer
        /// For each epoch its views.
        var epochs: [[ImageBuffer]] = []
    }

    private(set) var rows: [Row] = []
    private let plan: LoaderPlan
    private let epochs: Int
    /// The longest side of a stored picture in the page.
    private static let side = 256
    /// Pictures passed over because they cannot be read, before the preview gives up.
    private static let mostBad = 1000

    /// Loads the views.
    ///
    /// - Throws: what a run would throw for the same settings and pictures.
    init(
        source: any ImageSource, settings: DataSettings, imageSize: Int, channels: Int,
        seed: UInt64, count: Int, epochs: Int, views: (PixelSize) -> [ImagePipeline]
    ) throws {
        var settings = settings
        // A folder smaller than a batch can be looked at, too.
        settings.batchSize = 1
        plan = try settings.plan(
            for: source, imageSize: imageSize, channels: channels, seed: seed,
            views: views)
        self.epochs = epochs
        let keys = try chooseKeys(count)
        var shown = plan
        shown.onBadFile = .stop
        shown.sampler = try Sampler(
            ListedOrder(keys), of: source.count, globalBatchSize: keys.count, seed: seed)
        let loader = try Loader(shown, epochs: epochs)
        while let batch = try loader.next() {
            for row in rows.indices {
                rows[row].epochs.append(
                    batch.views.indices.map { batch.picture(row: row, view: $0).displayed })
            }
        }
    }

    /// The keys of the first pictures of the run that can be read, which become the rows.
    private mutating func chooseKeys(_ count: Int) throws -> [Int] {
        var chosen: [Int] = []
        var pictures: Set<Int> = []
        var firstError: (any Error)?
        for key in plan.sampler.keys(epoch: 0).prefix(count * 4 + Self.mostBad) {
            let picture = plan.sampler.picture(of: key)
            guard chosen.count < count else { break }
            // Repetitions of one picture would show it several times.
            guard pictures.insert(picture).inserted else { continue }
            do {
                let image = try plan.source.read(at: picture, decoder: plan.decoder)
                rows.append(
                    Row(
                        name: plan.source.name(at: picture),
                        stored: image.displayed.shrunk(to: Self.side)))
                chosen.append(key)
            } catch {
                firstError = firstError ?? error
            }
        }
        if chosen.isEmpty, let firstError { throw firstError }
        return chosen
    }

    /// The contact sheet.
    ///
    /// - Parameters:
    ///   - title: the path of the data.
    ///   - method: the name of the method.
    /// - Returns: the page.
    /// - Throws: `ImageError` if a picture cannot be encoded.
    func page(title: String, method: String) throws -> ReportPage {
        let views = plan.views
        var sizes: [String] = []
        for size in views.compactMap(\.size).map({ "\($0)" }) where !sizes.contains(size) {
            sizes.append(size)
        }
        var page = ReportPage(
            title: title,
            subtitle:
                "Preview for \(method) · \(views.count == 1 ? "one view" : "\(views.count) views")"
                + " of \(sizes.joined(separator: ", ")) pixels · seed \(plan.sampler.seed)",
            colophon: "Tessera \(Version.text)")
        page.add(
            "Views",
            lead: "The first pictures of the run as its loader makes them, before normalisation. "
                + "Each epoch draws anew.",
            try views.count == 1 ? [singleViews()] : severalViews())
        page.add("Steps", lead: "From a stored picture to each view.", try steps())
        return page
    }

    /// One row a picture: as stored, then every epoch.
    private func singleViews() throws -> ImageGrid {
        ImageGrid(
            columns: ["stored"] + (0..<epochs).map { "epoch \($0)" },
            samples: try rows.map { row in
                ImageGrid.Sample(
                    caption: row.caption,
                    pictures: [try Picture(row.stored, alternative: row.name)]
                        + (try row.epochs.enumerated().map { epoch, views in
                            try Picture(views[0], alternative: "\(row.name), epoch \(epoch)")
                        }))
            })
    }

    /// One block a picture; in it one row an epoch, with all views.
    private func severalViews() throws -> [any ReportBlock] {
        try rows.map { row in
            let samples = try row.epochs.enumerated().map { epoch, views in
                ImageGrid.Sample(
                    caption: "\(row.caption) · epoch \(epoch)",
                    pictures: [try Picture(row.stored, alternative: row.name, caption: "stored")]
                        + (try views.enumerated().map { view, image in
                            try Picture(
                                image, alternative: "\(row.name), epoch \(epoch), view \(view)",
                                caption: "view \(view)")
                        }))
            }
            return ImageGrid(columns: [], samples: samples)
        }
    }

    /// Views with equal steps are listed once.
    private func steps() throws -> [any ReportBlock] {
        var groups: [(pipeline: ImagePipeline, count: Int)] = []
        for view in plan.views {
            if groups.last?.pipeline == view {
                groups[groups.count - 1].count += 1
            } else {
                groups.append((view, 1))
            }
        }
        return try groups.map { group in
            let text = try group.pipeline.steps.map { try $0.line }.joined(separator: "\n")
            let head =
                plan.views.count == 1 ? "" : "# \(group.count) of \(plan.views.count) views\n"
            return CommandText(head + text)
        }
    }
}

extension ViewPreview.Row {
    /// The end of the name, which tells pictures of one folder apart.
    fileprivate var caption: String {
        name.split(separator: "/").suffix(2).joined(separator: "/")
    }
}

extension HostBatch {
    /// A view of one row as it looks without its normalisation; the batch must hold floats.
    fileprivate func picture(row: Int, view: Int) -> ImageBuffer {
        let block = views[view]
        let (count, channels) = (block.size.count, block.channels)
        let (mean, std) = (block.normalization.mean, block.normalization.std)
        return withUnsafeBytes(view: view) { bytes in
            let planes = bytes.bindMemory(to: Float.self)[
                row * count * channels..<(row + 1) * count * channels]
            return ImageBuffer(
                width: block.size.width, height: block.size.height, channels: channels,
                pixels: (0..<count * channels).map { place in
                    let channel = place % channels
                    let value = planes[planes.startIndex + channel * count + place / channels]
                    let byte =
                        (value * std[min(channel, std.count - 1)]
                            + mean[min(channel, mean.count - 1)]) * 255
                    return UInt8(min(max(byte.rounded(), 0), 255))
                })
        }
    }
}

extension Transform {
    /// The step with all its arguments, as a recipe has it: `- centerCrop: {"size":224}`.
    fileprivate var line: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(self), as: UTF8.self)
            // JSON is YAML; without the quotes of plain words it is easier to read.
            return "- "
                + text.dropFirst().dropLast().replacing("\"", with: "")
                .replacing(":", with: ": ").replacing(",", with: ", ")
                .replacing(/(\.\d{4})\d+/) { $0.1 }
        }
    }
}
