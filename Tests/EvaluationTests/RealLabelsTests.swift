import Evaluation
import Testing

@Suite("Labels and batches of a validation") struct RealLabelsTests {
    @Test("the number of a picture is what its name ends in") func numbers() throws {
        let labels = RealLabels([[1], [], [2, 3]])
        #expect(try labels.number(of: "val/n01/ILSVRC2012_val_00000001.JPEG") == 0)
        #expect(try labels.number(of: "3.png") == 2)
        for name in ["x.png", "0.png", "4.png", ""] {
            #expect(throws: EvaluationError.self) { try labels.number(of: name) }
        }
    }

    @Test("every size leads down to 1, and no step leaves out more than half")
    func decay() {
        #expect(BatchDecay.next(after: 1) == nil && BatchDecay.next(after: 0) == nil)
        for size in 2...3000 {
            guard let next = BatchDecay.next(after: size) else {
                Issue.record("\(size) has no smaller one")
                continue
            }
            #expect(next < size && 2 * next >= size - 1, "\(size) to \(next)")
        }
    }
}
