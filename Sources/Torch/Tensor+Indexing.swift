enum Indexing {
    static let select = Op("aten::select.int")
    static let slice = Op("aten::slice.Tensor")
    static let indexSelect = Op("aten::index_select")
    static let embedding = Op("aten::embedding")
    static let gather = Op("aten::gather")
    static let scatterAdd = Op("aten::scatter_add")
    static let scatterAddInPlace = Op("aten::scatter_add_")
    static let scatterReduce = Op("aten::scatter_reduce.two")
    static let oneHot = Op("aten::one_hot")
    static let nonzero = Op("aten::nonzero")
}

/// How one dimension is indexed: `x[0..., 1..., 3]`.
public enum TensorIndex {
    /// Part of the dimension; nil means to its end.
    case slice(Int, Int?)
    /// One element; the dimension is removed. Negative numbers count from the end.
    case element(Int)
}

/// What may stand in the brackets: an integer or a range of them.
public protocol TensorIndexConvertible {
    var tensorIndex: TensorIndex { get }
}

extension Int: TensorIndexConvertible {
    public var tensorIndex: TensorIndex { .element(self) }
}
extension Range<Int>: TensorIndexConvertible {
    public var tensorIndex: TensorIndex { .slice(lowerBound, upperBound) }
}
extension ClosedRange<Int>: TensorIndexConvertible {
    public var tensorIndex: TensorIndex {
        // After -1, the last element, comes the end, not element 0.
        .slice(lowerBound, upperBound == -1 ? nil : upperBound + 1)
    }
}
extension PartialRangeFrom<Int>: TensorIndexConvertible {
    public var tensorIndex: TensorIndex { .slice(lowerBound, nil) }
}
extension PartialRangeUpTo<Int>: TensorIndexConvertible {
    public var tensorIndex: TensorIndex { .slice(0, upperBound) }
}

extension Tensor {
    /// A view of part of the tensor, one index for each leading dimension.
    public subscript(_ indices: any TensorIndexConvertible...) -> Tensor {
        var result = self
        var dim = 0
        for index in indices {
            switch index.tensorIndex {
            case .element(let position):
                result = Indexing.select(.tensor(result), .int(dim), .int(position))
            case .slice(0, nil):
                dim += 1
            case .slice(let start, let end):
                result = Indexing.slice(.tensor(result), .int(dim), .int(start), .optional(end))
                dim += 1
            }
        }
        return result
    }

    /// The slices that `indices`, a vector of whole numbers, names along a dimension.
    public func selecting(_ indices: Tensor, _ dim: Int) -> Tensor {
        Indexing.indexSelect(.tensor(self), .int(dim), .tensor(indices))
    }

    /// out[i][j] = self[i][indices[i][j]] for dimension 1, and alike for others.
    public func gathered(_ indices: Tensor, _ dim: Int) -> Tensor {
        Indexing.gather(.tensor(self), .int(dim), .tensor(indices))
    }

    /// Of the rows of a matrix `[N, D]` those that `indices`, of any shape, names: `[…, D]`.
    public func selectingRows(_ indices: Tensor) -> Tensor {
        Indexing.embedding(.tensor(self), .tensor(indices))
    }

    /// Of tokens `[B, N, D]` those that `indices` `[B, K]` names, in its order: `[B, K, D]`.
    public func selectingTokens(_ indices: Tensor) -> Tensor {
        let (batch, count, _) = shape3
        let starts = Tensor.range(0..<batch * count, by: count, device: device)  // [B]
        return flattened(0, 1).selectingRows(indices + starts.unsqueezed(1))
    }

    /// self[i][indices[i][j]] += source[i][j] for dimension 1, as a new tensor.
    public func scatterAdding(_ source: Tensor, at indices: Tensor, _ dim: Int) -> Tensor {
        Indexing.scatterAdd(.tensor(self), .int(dim), .tensor(indices), .tensor(source))
    }

    /// self[i][indices[i][j]] += source[i][j] for dimension 1.
    public func scatterAddInPlace(_ source: Tensor, at indices: Tensor, _ dim: Int) {
        Indexing.scatterAddInPlace.run(
            .tensor(self), .int(dim), .tensor(indices), .tensor(source))
    }

    /// The mean of self[i][k] and all source[i][j] with indices[i][j] = k, for dimension 1, as a new
    /// tensor.
    public func scatterAveraging(_ source: Tensor, at indices: Tensor, _ dim: Int) -> Tensor {
        Indexing.scatterReduce(
            .tensor(self), .int(dim), .tensor(indices), .tensor(source), .string("mean"))
    }

    /// The largest of self[i][k] and all source[i][j] with indices[i][j] = k, for dimension 1, as a new
    /// tensor.
    public func scatterMaximum(_ source: Tensor, at indices: Tensor, _ dim: Int) -> Tensor {
        Indexing.scatterReduce(
            .tensor(self), .int(dim), .tensor(indices), .tensor(source), .string("amax"))
    }

    /// The places of a vector's elements that are true or not 0, in order; waits for a GPU.
    public func placesOfNonzero() -> Tensor {
        Indexing.nonzero(.tensor(self)).flattened()
    }

    /// For whole numbers below `classCount` a new last dimension with a one at each number.
    public func oneHot(classCount: Int) -> Tensor {
        Indexing.oneHot(.tensor(self), .int(classCount))
    }
}
