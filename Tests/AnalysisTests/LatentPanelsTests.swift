import Analysis
import Data
import Foundation
import Imaging
import Testing
import Torch
import Training
import VisionModels

@testable import Reports

@Suite("Panels of latent predictions") struct LatentPanelsTests {
    private static let contexts = [[0, 3], [2, 4, 5]]
    private static let targets = [[[1, 2], [2, 5]], [[0], [0, 1, 3]]]
    /// The bytes of the two pictures.
    private static let greys: [UInt8] = [0, 255]
    private static let normalization = Normalization(mean: [0.5], std: [0.25])

    /// Two pictures with two targets each, on 2 × 3 patches; `lit` are the patches of similarity 1 of
    /// each picture and target, all others have −1/4.
    private func prediction(
        lit: [[Set<Int>]] = [[[], []], [[], []]], sums: [Float] = [0, 0, 0, 0, 0, 0],
        counts: [Float] = [0, 0, 0, 0, 0, 0]
    ) -> LatentPrediction {
        let similarity: [Float] = lit.joined().flatMap { patches in
            (0..<6).map { patches.contains($0) ? 1 : -0.25 }
        }
        return LatentPrediction(
            grid: PatchGrid(rows: 2, columns: 3), contexts: Self.contexts, targets: Self.targets,
            similarity: Tensor(similarity, shape: [2, 2, 6]), lossSums: Tensor(sums),
            lossCounts: Tensor(counts))
    }

    /// Patches are 3 × 3 pixels, so that each has a pixel in its middle.
    private func panels(_ predictions: LatentPrediction..., shown: Int = 2) -> LatentPanels {
        let values = Self.greys.map { (Float($0) / 255 - 0.5) / 0.25 }
        let images = Tensor(values, shape: [2, 1, 1, 1]).expanded([2, 1, 6, 9])
        return LatentPanels(
            predictions, of: images, normalization: Self.normalization, shown: shown)
    }

    private func picture(_ index: Int) -> ImageBuffer {
        ImageBuffer(
            width: 9, height: 6, channels: 1,
            pixels: [UInt8](repeating: Self.greys[index], count: 54))
    }

    private func decoded(_ picture: Picture) throws -> ImageBuffer {
        let data = try #require(Data(base64Encoded: picture.base64))
        return try ImageDecoder().decode([UInt8](data), name: picture.alternative)
    }

    @Test("masks are shown where contexts and targets are, the first target apart")
    func masks() {
        let maps = panels(prediction()).masks
        #expect(maps.count == 2)
        let others = [[2, 5], [0, 1, 3]]
        for (index, map) in maps.enumerated() {
            #expect((map.rows, map.columns) == (2, 3))
            #expect(map.layers.map(\.look) == [.hidden, .seen, .list(2), .list(0)])
            #expect(
                map.layers.map(\.patches) == [
                    [0, 1, 2, 3, 4, 5], Self.contexts[index], others[index],
                    Self.targets[index][0],
                ])
            #expect(map.picture == picture(index))
        }
        #expect(
            maps.map(\.summary) == [
                "2 of 6 patches seen, 2 blocks predicted",
                "3 of 6 patches seen, 2 blocks predicted",
            ])
    }

    @Test("no more pictures than asked for, and than there are", arguments: [1, 2, 9])
    func shown(count: Int) throws {
        let panels = panels(prediction(), shown: count)
        #expect(panels.masks.count == min(count, 2))
        #expect(try panels.samples().count == min(count, 2))
    }

    @Test("a picture lights up where its first target's similarity is 1, and nowhere else")
    func similarity() throws {
        let samples = try panels(prediction(lit: [[[1, 2], [5]], [[0], [4]]])).samples()
        try #require(samples.count == 2 && samples.allSatisfy { $0.pictures.count == 2 })
        let (cold, hot) = (ColorMap.standard[0], ColorMap.standard[1])
        for (index, lit) in [[1, 2], [0]].enumerated() {
            #expect(try decoded(samples[index].pictures[0]) == picture(index))
            let map = try decoded(samples[index].pictures[1])
            try #require((map.height, map.width, map.channels) == (6, 9, 3))
            for patch in 0..<6 {
                // In its middle a patch has its own colour, three fifths of it over the grey.
                let (row, column) = (3 * (patch / 3) + 1, 3 * (patch % 3) + 1)
                let color = lit.contains(patch) ? hot : cold
                for (channel, byte) in [color.red, color.green, color.blue].enumerated() {
                    let expected = 0.4 * Double(Self.greys[index]) + 0.6 * Double(byte)
                    let found = Double(map[row, column, channel])
                    #expect(abs(found - expected) < 0.51, "picture \(index), patch \(patch)")
                }
            }
        }
    }

    @Test("the loss of a place is the mean over all predictions, each of which counts alike")
    func losses() {
        // The first place has 1 of one prediction and 5 of three: 1.5, and not the mean of 1 and 5/3.
        let map = panels(
            prediction(sums: [1, 3, 0, 0.5, 2, 0], counts: [1, 1, 0, 2, 4, 0]),
            prediction(sums: [5, 0, 0, 0.5, 2, 6], counts: [3, 0, 0, 2, 4, 2])
        ).losses
        #expect((map.rows, map.columns) == (2, 3))
        #expect(map.details == ["1.5", "3.0", "never a target", "0.25", "0.5", "3.0"])
        #expect(map.shades == [1.25 / 2.75, 1, nil, 0, 0.25 / 2.75, 1])
        #expect(map.summary == "mean losses from 0.25 to 3.0")
    }

    @Test("equal losses have the colour of the least, and places without targets none")
    func equalLosses() {
        let equal = panels(
            prediction(sums: [2, 0, 4, 0, 0, 0], counts: [1, 0, 2, 0, 0, 0])
        ).losses
        #expect(equal.shades == [0, nil, 0, nil, nil, nil])
        let none = panels(prediction()).losses
        #expect(none.shades == [nil, nil, nil, nil, nil, nil])
        #expect(none.details == Array(repeating: "never a target", count: 6))
    }
}
