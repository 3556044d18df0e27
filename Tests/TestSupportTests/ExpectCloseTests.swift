import TestSupport
import Testing
import Torch

/// The helper that all comparisons rest on must fail where it should.
@Suite("Comparison of tensors") struct ExpectCloseTests {
    private let expected = Tensor([1, -2, 3, 4, 5, 6] as [Float], shape: [2, 3])

    private func perturbed(at index: Int, by difference: Float) -> Tensor {
        var values: [Float] = expected.values()
        values[index] += difference
        return Tensor(values, shape: [2, 3])
    }

    @Test("equal tensors are close at no tolerance")
    func equal() {
        #expect(expect(expected.clone(), closeTo: expected))
    }

    @Test("one element beyond the limit fails, with its index and both values", arguments: 0..<6)
    func perturbation(index: Int) {
        let value = perturbed(at: index, by: 0.01).values(as: Double.self)[index]
        withKnownIssue {
            #expect(!expect(perturbed(at: index, by: 0.01), closeTo: expected, atol: 0.009, "x"))
        } matching: { issue in
            let text = issue.comments.map(\.rawValue).joined()
            return text.hasPrefix("x: 1 of 6 elements")
                && text.contains("\([index / 3, index % 3]): found \(value)")
        }
        #expect(expect(perturbed(at: index, by: 0.01), closeTo: expected, atol: 0.011))
    }

    @Test("the relative limit grows with the recorded value, the other with the largest")
    func limits() {
        #expect(expect(perturbed(at: 5, by: 0.05), closeTo: expected, rtol: 0.01))
        withKnownIssue { expect(perturbed(at: 0, by: 0.05), closeTo: expected, rtol: 0.01) }
        #expect(expect(perturbed(at: 0, by: 0.05), closeTo: expected, .ofMaximum(0.01)))
        withKnownIssue { expect(perturbed(at: 0, by: 0.07), closeTo: expected, .ofMaximum(0.01)) }
    }

    @Test("the worst element is the one reported")
    func worst() {
        withKnownIssue {
            expect(
                Tensor([1.5, -2, 3, 4, 5.2, 6] as [Float], shape: [2, 3]), closeTo: expected,
                atol: 0.1)
        } matching: { issue in
            issue.comments.contains {
                $0.rawValue.hasPrefix("tensor: 2 of 6 elements differ; the worst, [0, 0]")
            }
        }
    }

    @Test("NaN and infinities fail against numbers, whatever the tolerance")
    func nonFinite() {
        for value in [Float.nan, .infinity, -.infinity] {
            let odd = Tensor([value, -2, 3, 4, 5, 6] as [Float], shape: [2, 3])
            withKnownIssue { expect(odd, closeTo: expected, atol: 1e9, rtol: 1e9) }
            withKnownIssue { expect(expected, closeTo: odd, atol: 1e9, rtol: 1e9) }
            #expect(expect(odd.clone(), closeTo: odd))
        }
    }

    @Test("another shape or type fails")
    func shapeAndType() {
        withKnownIssue { expect(expected.flattened(), closeTo: expected, atol: 1) }
        withKnownIssue { expect(expected.to(dtype: .float64), closeTo: expected, atol: 1) }
    }

    @Test("empty tensors are equal")
    func empty() {
        #expect(expect(.zeros([0, 3]), closeTo: .zeros([0, 3])))
        withKnownIssue { expect(.zeros([0, 3]), closeTo: .zeros([3, 0])) }
    }
}
