import Foundation
import TestSupport
import Testing

/// A plain clone proves what is claimed, so every claim has its cases in the repository.
@Suite("The table of claims") struct ParityTableTests {
    /// The cases in the repository, whichever folder the other tests read.
    private static let committed = ParityFolder(
        path: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Parity/cases").path)

    private static func cases(_ family: String, _ pattern: String) -> Set<String> {
        let found = ParityCase.all(in: family, matching: pattern, folder: committed)
        return Set(found.map(\.testDescription))
    }

    @Test("every claim has a case in the repository", arguments: ParityTable.claims)
    func claimIsCommitted(family: String, pattern: String) {
        #expect(
            !Self.cases(family, pattern).isEmpty,
            "copy \(family)/\(pattern) to Tests/Parity/cases, or withdraw the claim")
    }

    @Test("every case in the repository is claimed, once")
    func caseIsClaimed() {
        var left: Set<String> = []
        for family in Self.committed.families {
            // Those in folders of their own too, which a star does not reach.
            left.formUnion(Self.committed.caseNames(in: family).map { "\(family)/\($0)" })
        }
        #expect(!left.isEmpty)
        for (family, pattern) in ParityTable.claims {
            for name in Self.cases(family, pattern) {
                #expect(left.remove(name) != nil, "\(name) is claimed twice")
            }
        }
        #expect(left.isEmpty, "not claimed: \(left.sorted())")
    }

    /// Files beside the cases, without which tests compare nothing.
    private static let companions = [
        "beyondcls/checkpoints/mae_pretrain_full.pth",
        "beyondcls/checkpoints/simmim_swin_pretrain.pth",
        "beyondcls/checkpoints/simmim_vit_pretrain.pth",
        "featurenorm/checkpoints/diffmoe_registers_runningbn/00001.pt",
        "featurenorm/checkpoints/diffmoe_registers_runningbn/config.yaml",
        "mapet/augmentation_statistics.json",
        "mapet/checkpoints/1_imagenet_codes_codebook-size-8192_batchindex-500_bsize-16_val.pth",
        "mapet/checkpoints/clip_state_dict.json",
        "mapet/checkpoints/clip_state_dict.pt",
        "mapet/checkpoints/codebook.json",
        "mapet/checkpoints/codebook_centroids_320_16.npy",
        "mapet/checkpoints/codebook_index_320_16.npy",
        "mapet/checkpoints/codebook_patches320_it100.pth",
        "mapet/checkpoints/codes.json",
        "mapet/checkpoints/dalle_encoder.json",
        "mapet/checkpoints/dalle_encoder.pkl",
        "mapet/checkpoints/k_means_processed_imagenet_8192_val.pth",
        "mapet/checkpoints/vqkd.json",
        "mapet/checkpoints/vqkd.pth",
        "mapet/mask_statistics.json",
        "stop/checkpoints/ijepa_run/jepa-ep2.pth.tar",
    ]

    @Test("files that tests read beside the cases are in the repository", arguments: companions)
    func companionIsCommitted(file: String) {
        #expect(Self.committed.file(file) != nil, "copy \(file) to Tests/Parity/cases")
    }

    @Test("the cases in the repository stay within 25 MB")
    func size() throws {
        let files = FileManager.default.enumerator(
            at: URL(fileURLWithPath: Self.committed.path),
            includingPropertiesForKeys: [.fileSizeKey])
        let sizes = try files?.compactMap { file in
            try (file as? URL)?.resourceValues(forKeys: [.fileSizeKey]).fileSize
        }
        let total = try #require(sizes).reduce(0, +)
        #expect((1...25_000_000).contains(total))
    }
}
