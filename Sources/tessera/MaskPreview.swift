import Data
import Imaging

/// Masks of the first steps of a run: some to look at, many to count.
struct MaskPreview {
    struct Example {
        let name: String
        let mask: PictureMask
        /// The picture, cut to the shape of the grid.
        var picture: ImageBuffer?
    }

    /// What is drawn.
    struct Plan {
        let scheme: any MaskScheme
        let sizes: MaskSizes
        /// Nil for a data set that is made up: the keys in order, one after another.
        let source: (any ImageSource)?
        let batchSize: Int
        let seed: UInt64
        let epoch: Int
        let view: Int
        /// Masks to look at.
        let count: Int
        /// Masks to count.
        let draws: Int
    }

    let plan: Plan
    private(set) var examples: [Example] = []
    /// One for each grid, the most frequent first.
    private(set) var statistics: [MaskStatistics] = []
    /// All masks that were counted, where their grids differ: for the packer.
    private(set) var masks: [PictureMask] = []
    /// The first picture that could not be read, if none could.
    private var firstError: (any Error)?
    /// Longest side of a picture in the page.
    private static let side = 256

    /// Draws.
    ///
    /// - Throws: `ConfigurationError` where the masks make no sense on the grid, or the error of a
    ///   picture if none can be read.
    init(_ plan: Plan) throws {
        self.plan = plan
        if let grid = plan.sizes.only { try plan.scheme.validate(on: grid) }
        var byGrid: [MaskGrid: MaskStatistics] = [:]
        var left = max(plan.draws, plan.count)
        var steps = try Steps(plan)
        while left > 0 {
            let step = steps.next()
            let drawn = try draw(step, most: left)
            // Later epochs would show the same pictures again.
            let isFirstEpoch = step.epoch == plan.epoch
            for (key, mask) in drawn {
                byGrid[mask.grid, default: MaskStatistics(mask.grid)].add(mask)
                if plan.sizes.only == nil { masks.append(mask) }
                if isFirstEpoch, examples.count < plan.count { addExample(key, mask) }
            }
            // A data set of which nothing can be read would never end.
            if !isFirstEpoch, examples.isEmpty, let firstError { throw firstError }
            left -= drawn.count
        }
        if examples.isEmpty, let firstError { throw firstError }
        statistics = byGrid.values.sorted {
            ($1.count, $0.grid.count, $0.grid.rows) < ($0.count, $1.grid.count, $1.grid.rows)
        }
    }

    /// The first masks of a step with their keys.
    private mutating func draw(_ step: MaskStep, most: Int) throws -> [(Int, PictureMask)] {
        if let grid = plan.sizes.only {
            // All of the step, as their lengths depend on one another.
            return Array(zip(step.keys, plan.scheme.masks(of: step, on: grid)).prefix(most))
        }
        var result: [(Int, PictureMask)] = []
        for key in step.keys.prefix(most) {
            var stored: PixelSize?
            if plan.sizes.needsStoredSize, let source = plan.source {
                do {
                    stored = try source.storedSize(at: key % source.count)
                } catch {
                    firstError = firstError ?? error
                    continue
                }
            }
            let grid = try plan.sizes.grid(of: key, step, stored: stored)
            try plan.scheme.validate(on: grid)
            let one = MaskStep(
                keys: [key], position: step.position, seed: step.seed, view: step.view)
            result += plan.scheme.masks(of: one, on: grid).map { (key, $0) }
        }
        return result
    }

    private mutating func addExample(_ key: Int, _ mask: PictureMask) {
        guard let source = plan.source else {
            examples.append(Example(name: "picture \(key)", mask: mask))
            return
        }
        let index = key % source.count
        do {
            let picture = try source.read(at: index).displayed
                .cut(to: mask.grid.size).shrunk(to: Self.side)
            let name = source.name(at: index).split(separator: "/").suffix(2)
            examples.append(
                Example(name: name.joined(separator: "/"), mask: mask, picture: picture))
        } catch {
            // Training puts another in its place; here the next one is shown.
            firstError = firstError ?? error
        }
    }
}

extension MaskPreview {
    /// The steps of training, one after another.
    private struct Steps {
        private let plan: Plan
        private let sampler: Sampler?
        private var position: LoaderPosition
        private var order: (epoch: Int, keys: [Int])?

        init(_ plan: Plan) throws {
            self.plan = plan
            position = LoaderPosition(epoch: plan.epoch, step: 0)
            sampler = try plan.source.map { source in
                try Sampler(
                    count: source.count, globalBatchSize: plan.batchSize,
                    seed: plan.seed)
            }
        }

        mutating func next() -> MaskStep {
            let keys: [Int]
            let current = position
            if let sampler {
                if order?.epoch != position.epoch {
                    order = (position.epoch, sampler.keys(epoch: position.epoch))
                }
                keys = sampler.places(step: position.step).map { order?.keys[$0] ?? 0 }
                position = sampler.advance(position)
            } else {
                let first = position.step * plan.batchSize
                keys = Array(first..<first + plan.batchSize)
                position.step += 1
            }
            return MaskStep(keys: keys, position: current, seed: plan.seed, view: plan.view)
        }
    }
}

extension ImageSource {
    /// The size of a picture; of a file only the header is looked at.
    fileprivate func storedSize(at index: Int) throws -> PixelSize {
        var picture = StoredPicture()
        try load(index, into: &picture)
        guard picture.form == .encoded else { return picture.pixels.size }
        return try picture.bytes.withUnsafeBytes { bytes in
            try ImageDecoder().header(
                UnsafeRawBufferPointer(rebasing: bytes[..<picture.byteCount]),
                name: name(at: index)
            ).size
        }
    }
}

extension MaskGrid {
    fileprivate var size: PixelSize { PixelSize(height: height, width: width) }
}

extension ImageBuffer {
    /// The largest part around the middle of the shape of `size`.
    fileprivate func cut(to size: PixelSize) -> ImageBuffer {
        let scale = min(
            Double(width) / Double(size.width), Double(height) / Double(size.height))
        let across = min(width, max(1, Int((Double(size.width) * scale).rounded())))
        let down = min(height, max(1, Int((Double(size.height) * scale).rounded())))
        return cropped(
            to: CropBox(
                top: (height - down) / 2, left: (width - across) / 2, height: down, width: across))
    }
}
