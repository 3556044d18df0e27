import Evaluation
import TestSupport
import Testing
import Torch

@Suite("Scores of a classifier equal to MaPeT's") struct ValidationParityTests {
    @Test(
        "top-1, top-5, subsets, real labels, tokens, confusion",
        arguments: ParityTable.cases("mapet", "metrics"))
    func metrics(item: ParityCase) throws {
        func ints(_ name: String) throws -> [Int] {
            try item.tensor(name).to(dtype: .int64).values(as: Int64.self).map { Int($0) }
        }
        func numbers(_ values: [Double]) -> Tensor { Tensor(values.map { Float($0) }) }
        let logits = try item.tensor("in/logits")
        var plain = ClassifierScores()
        plain.update(logits, labels: try ints("in/target"))
        item.compare("out/acc1", numbers([plain.top1]))
        item.compare("out/acc5", numbers([plain.top5]))

        let valid = try item.config.array("valid_labels").map { try $0.int }
        var subset = ClassifierScores()
        subset.update(
            logits.transposed(0, 1).selectingRows(Tensor(valid)).transposed(0, 1),
            labels: try ints("in/target_valid"))
        item.compare("out/valid1", numbers([subset.top1]))
        item.compare("out/valid5", numbers([subset.top5]))

        var real = ClassifierScores()
        real.update(
            logits, real: try item.config.array("real").map { try Set($0.array.map { try $0.int }) }
        )
        item.compare("out/real1", numbers([real.top1]))
        item.compare("out/real5", numbers([real.top5]))
        #expect(real.loss == nil)

        let tokens = try Accuracy.ofTokens(
            item.tensor("in/seq_logits"), targets: item.tensor("in/seq_target"),
            ignoring: item.config.int("num_tokens") + 1)
        item.compare("out/seq_acc", numbers([tokens]))

        let expected = try item.tensor("out/cm")
        var matrix = ConfusionMatrix(classCount: expected.shape[0])
        matrix.update(predicted: try ints("in/cm_pred"), targets: try ints("in/cm_target"))
        item.compare("out/cm", Tensor(matrix.counts.flatMap { $0 }, shape: expected.shape))
        item.compare("out/cm_acc", numbers(matrix.accuracies))
        item.compare("out/cm_iou", numbers(matrix.intersectionsOverUnions))
        item.compare("out/cm_global", numbers([matrix.globalAccuracy]))
        item.finish()
    }

    @Test(
        "smaller batches after memory ran out", arguments: ParityTable.cases("mapet", "batch_decay")
    )
    func batchDecay(item: ParityCase) throws {
        var sizes = [try item.config.int("start")]
        while let next = BatchDecay.next(after: sizes[sizes.count - 1]) { sizes.append(next) }
        item.compare("out/batch_sizes", Tensor(sizes))
        item.finish()
    }
}
