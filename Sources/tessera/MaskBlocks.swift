import Data
import Foundation
import Reports

/// The sizes of context and target blocks over many batches.
struct MaskBlocks {
    private var targetAreas = MaskStatistics.Counts()
    private var contextAreas = MaskStatistics.Counts()
    /// Height over width in hundredths.
    private var aspects = MaskStatistics.Counts()
    private let charting: MaskCharts
    private let batches: Int

    init(_ mask: MultiBlockMask, _ grid: MaskGrid, _ plan: MaskPreview.Plan) {
        charting = MaskCharts(mask)
        batches = plan.draws
        for number in 0..<plan.draws {
            let step = MaskStep(
                keys: [], position: LoaderPosition(epoch: plan.epoch, step: number),
                seed: plan.seed, view: plan.view)
            var random = step.sharedRandom
            let sizes = mask.sizes(on: grid, random: &random)
            targetAreas.add(sizes.target.count)
            contextAreas.add(sizes.context.count)
            aspects.add(
                Int((Double(sizes.target.height) / Double(sizes.target.width) * 100).rounded()))
        }
    }

    var charts: [any ReportBlock] {
        func note(_ counts: MaskStatistics.Counts) -> String {
            String(format: "Mean %.1f, from ", counts.mean) + "\(counts.least) to "
                + "\(counts.greatest)."
        }
        return [
            charting.histogram(
                targetAreas, title: "Target blocks", xLabel: "patches", unit: "patches",
                of: "batches", note: note(targetAreas)),
            charting.histogram(
                contextAreas, title: "Context blocks", xLabel: "patches", unit: "patches",
                of: "batches", note: note(contextAreas)),
            charting.histogram(
                aspects, title: "Shape of target blocks", xLabel: "height, in % of the width",
                unit: "%", of: "batches",
                note: "One random number sets both area and shape: large blocks are tall."),
        ]
    }
}
