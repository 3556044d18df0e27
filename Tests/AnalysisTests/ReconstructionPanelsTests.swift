import Analysis
import Data
import Imaging
import Testing
import Torch
import Training

@Suite("Panels of a reconstruction") struct ReconstructionPanelsTests {
    /// Two pictures of 2 x 2; the right column was removed.
    private func panels(channels: Int, _ normalization: Normalization) -> ReconstructionPanels {
        func image(_ values: [Double]) -> Tensor {
            let plane = Tensor(values, shape: [1, 1, 2, 2]).to(dtype: .float32)
            return plane.expanded([2, channels, 2, 2])
        }
        return ReconstructionPanels(
            Reconstruction(
                original: image([0, 1, -1, 0.5]), predicted: image([0.25, -0.5, 9, -9]),
                mask: Tensor([0, 1, 0, 1] as [Float], shape: [1, 1, 2, 2]).expanded([2, 1, 2, 2])),
            normalization: normalization)
    }

    @Test("each panel shows its mixture; pixels are cut to bytes", arguments: [1, 3])
    func mixtures(channels: Int) throws {
        let all = panels(channels: channels, Normalization(mean: [0.5], std: [0.25]))
        #expect(all.samples.count == 2)
        func expected(_ values: [UInt8]) -> ImageBuffer {
            ImageBuffer(
                width: 2, height: 2, channels: channels,
                pixels: values.flatMap { Array(repeating: $0, count: channels) })
        }
        for sample in all.samples {
            // 255 (x / 4 + 1/2), cut to whole numbers
            #expect(sample.map(\.name) == ReconstructionPanels.names)
            #expect(
                sample.map(\.image) == [
                    expected([127, 191, 63, 159]), expected([127, 127, 63, 127]),
                    expected([143, 95, 255, 0]), expected([127, 95, 63, 0]),
                ])
        }
    }

    @Test("each channel has its own normalisation")
    func perChannel() throws {
        let original = try #require(
            panels(channels: 3, Normalization(mean: [0, 0.5, 1], std: [1, 1, 1])).samples.first)[0]
            .image
        #expect((0..<3).map { original[0, 0, $0] } == [0, 127, 255])
        #expect((0..<3).map { original[1, 1, $0] } == [127, 255, 255])
    }
}
