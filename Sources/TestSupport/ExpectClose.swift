public import Testing
public import Torch

/// Expects two tensors to have the same shape, type and, within a tolerance, elements.
///
/// The failure names the worst element with its index and both values, and how many are wrong. NaN
/// is close to NaN alone, an infinity to itself alone.
///
/// - Returns: whether they are close.
@discardableResult
public func expect(
    _ found: Tensor, closeTo expected: Tensor, _ tolerance: Tolerance, _ name: String = "tensor",
    sourceLocation: SourceLocation = #_sourceLocation
) -> Bool {
    guard let problem = difference(found, expected, tolerance) else { return true }
    Issue.record(Comment(rawValue: "\(name): \(problem)"), sourceLocation: sourceLocation)
    return false
}

/// `expect(_:closeTo:)` with an absolute and a relative limit: |found − expected| ≤ atol + rtol
/// |expected|.
@discardableResult
public func expect(
    _ found: Tensor, closeTo expected: Tensor, atol: Double = 0, rtol: Double = 0,
    _ name: String = "tensor", sourceLocation: SourceLocation = #_sourceLocation
) -> Bool {
    expect(
        found, closeTo: expected, Tolerance(atol: atol, rtol: rtol), name,
        sourceLocation: sourceLocation)
}

/// What makes two tensors differ, or nil.
private func difference(_ found: Tensor, _ expected: Tensor, _ tolerance: Tolerance) -> String? {
    guard found.shape == expected.shape else {
        return "found shape \(found.shape), expected \(expected.shape)"
    }
    guard found.dtype == expected.dtype else {
        return "found type \(found.dtype), expected \(expected.dtype)"
    }
    let a = found.detached().values(as: Double.self)
    let b = expected.detached().values(as: Double.self)
    var largest = 0.0
    for value in b where value.isFinite { largest = max(largest, value.magnitude) }
    let allowance = tolerance.atol + tolerance.ofMaximum * largest
    var worst: (index: Int, excess: Double)?
    var wrong = 0
    for index in a.indices {
        if a[index] == b[index] || a[index].isNaN && b[index].isNaN { continue }
        let distance = (a[index] - b[index]).magnitude
        let allowed = allowance + tolerance.rtol * b[index].magnitude
        if b[index].isFinite, distance <= allowed { continue }
        wrong += 1
        let excess = allowed > 0 && distance.isFinite ? distance / allowed : .infinity
        if excess > worst?.excess ?? -1 { worst = (index, excess) }
    }
    guard let worst else { return nil }
    let (x, y) = (a[worst.index], b[worst.index])
    return "\(wrong) of \(a.count) elements differ; the worst, "
        + "\(position(worst.index, in: found.shape)): found \(x), expected \(y), "
        + "difference \((x - y).magnitude), allowed \(allowance + tolerance.rtol * y.magnitude)"
}

/// The index of an element in row-major order, for each dimension.
private func position(_ index: Int, in shape: [Int]) -> [Int] {
    var rest = index
    return shape.reversed().map { length in
        defer { rest /= length }
        return rest % length
    }.reversed()
}
