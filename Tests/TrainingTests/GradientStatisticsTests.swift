import Testing
import Torch

@testable import Training

@Suite("Statistics of gradients") struct GradientStatisticsTests {
    /// Names in the order of a model, ranks, and norms of gradients.
    private static let parameters: [(name: String, rank: Int, norm: Float)] = [
        ("encoder.patch_embed.proj.weight", 4, 4), ("encoder.patch_embed.proj.bias", 1, 0.01),
        ("encoder.blocks.0.attn.qkv.weight", 2, 2), ("encoder.blocks.0.attn.qkv.bias", 1, 100),
        ("encoder.blocks.0.mlp.fc1.weight", 2, 8), ("encoder.blocks.2.attn.qkv.weight", 2, 0.25),
        ("encoder.blocks.10.attn.qkv.weight", 2, 0.75), ("encoder.norm.weight", 1, 50),
        ("predictor.predictor_blocks.0.attn.qkv.weight", 2, 1000),
        ("predictor.predictor_proj.weight", 2, 0.001),
        ("target_encoder.blocks.0.attn.qkv.weight", 2, 2000),
    ]

    private func statistics(
        of parameters: [(name: String, rank: Int, norm: Float)] = Self.parameters,
        encoder: String
    ) -> GradientStatistics {
        GradientStatistics(
            parameters.map {
                (name: $0.name, tensor: Tensor.zeros([Int](repeating: 1, count: $0.rank)))
            },
            parameters.map { Tensor(scalar: $0.norm) }, encoder: encoder)
    }

    @Test("of the encoder's matrices alone; first and last in the model's order, not by name")
    func encoder() {
        let statistics = statistics(encoder: "encoder.")
        // Of 4, 2, 8, 1/4 and 3/4.
        #expect(statistics.values?.mean.item == 3)
        #expect(
            statistics.named.map(\.name) == [
                "grad_first_block", "grad_last_block", "grad_least", "grad_greatest",
            ])
        #expect(statistics.named.map(\.value.item) == [2, 0.75, 0.25, 8])
    }

    @Test("the encoder of a method may have no prefix; blocks of others are not its own")
    func withoutPrefix() {
        let statistics = statistics(
            of: [
                ("blocks.0.attn.qkv.weight", 2, 3), ("blocks.1.attn.qkv.weight", 2, 5),
                ("decoder_blocks.0.attn.qkv.weight", 2, 1),
            ], encoder: "")
        #expect(statistics.values?.first.item == 3 && statistics.values?.last.item == 5)
    }

    @Test("nothing without blocks, and nothing without gradients")
    func nothing() {
        for empty in [
            statistics(encoder: "student."), statistics(of: [], encoder: ""),
            statistics(of: [("blocks.0.attn.qkv.weight", 1, 3)], encoder: ""),
        ] {
            #expect(empty.values?.first.item == nil)
            #expect(empty.named.isEmpty)
        }
    }
}
