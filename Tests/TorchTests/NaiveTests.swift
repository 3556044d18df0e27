import Testing
import Torch

@Suite("The comparison with plain loops") struct NaiveTests {
    @Test("fails on one wrong element, on a wrong shape and on NaN")
    func fails() {
        let expected = Naive(random: [2, 3])
        expect(expected.tensor, equals: expected)
        withKnownIssue { expect(expected.tensor + 1e-6, equals: expected) }
        withKnownIssue { expect(expected.tensor.reshaped(3, 2), equals: expected) }
        withKnownIssue { expect(expected.tensor * Double.nan, equals: expected) }
    }
}
