import Data
import Imaging

/// Pictures from files to normalised batches, by the loader that training uses.
final class Loading {
    private let loader: Loader
    private let settings: Settings

    init(_ settings: Settings) throws {
        self.settings = settings
        let source = try openSource(settings.folder, split: .all)
        var plan = LoaderPlan(
            source: source,
            views: settings.views == "mae"
                ? [.maskedAutoencoder()]
                : ImagePipeline.iBOT(globalScale: [0.25, 1], localScale: [0.05, 0.25]),
            sampler: try Sampler(count: source.count, globalBatchSize: settings.batch, seed: 0))
        if settings.decoding == "fast" { plan.decoder.scaling = .fast }
        loader = try Loader(plan, options: LoaderOptions(threads: settings.workers))
    }

    /// Takes what was made ahead while nobody measured.
    func catchUp() { take(2 * settings.workers + 2) }

    func measure() { take(settings.repetitions) }

    private func take(_ count: Int) {
        do {
            for _ in 0..<count { _ = try loader.next() }
        } catch {
            fatalError("\(error)")
        }
    }
}
