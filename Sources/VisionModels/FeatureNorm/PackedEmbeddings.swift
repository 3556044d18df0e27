import NN
import Torch

/// What is added to packed tokens, by who they are: the number of a register, the row and the column of
/// a patch, that a token is to be predicted.
///
/// Tables start from N(0, 0.02²), cut at ±2. D width.
final class PackedEmbeddings: Module {
    @Parameter var registers: Tensor?  // [R, D]
    @Parameter var rows: Tensor?  // [rows, D]
    @Parameter var columns: Tensor?  // [columns, D]
    @Parameter var prediction: Tensor?  // [D]

    override class var stateNames: [String: String] {
        ["registers": "reg_emb", "rows": "h_emb", "columns": "w_emb", "prediction": "pred_emb"]
    }

    /// - Parameters:
    ///   - width: D.
    ///   - count: R, 0 for none.
    ///   - grid: the rows and columns that there is an embedding for; nil for none.
    ///   - predicts: whether there is one of what is to be predicted.
    ///   - generator: the source of the initial values.
    init(
        _ width: Int, registers count: Int, grid: PatchGrid?, predicts: Bool = false,
        generator: Generator?
    ) {
        let drawn = { (shape: [Int]) -> Tensor in
            let table = Tensor.empty(shape)
            Init.truncatedNormalInPlace(table, std: 0.02, generator: generator)
            return table
        }
        registers = count > 0 ? drawn([count, width]) : nil
        rows = grid.map { drawn([$0.rows, width]) }
        columns = grid.map { drawn([$0.columns, width]) }
        prediction = predicts ? drawn([width]) : nil
    }

    /// Tokens `[B, T, D]` with the embeddings of registers and places.
    ///
    /// - Parameters:
    ///   - x: `[B, T, D]`.
    ///   - tokens: who they are.
    ///   - wipesRegisters: whether nothing else is left of registers, where they have embeddings.
    /// - Returns: `[B, T, D]`.
    func addingAll(
        to x: Tensor, _ tokens: PackedTokens, wipesRegisters: Bool = false
    ) -> Tensor {
        var x = x
        if let registers {
            // Padding counts as register 0, as published.
            let isRegister = .!(tokens.registers .== PackedTokens.padding)
            let zero = Tensor.zeros([1], dtype: .int64, device: x.device)
            let found = registers.selectingRows(isRegister.select(tokens.registers, else: zero))
            let share = isRegister.unsqueezed(-1).to(dtype: found.dtype)
            x = (wipesRegisters ? x * (1 - share) : x) + found * share
        }
        if let rows, let columns {
            let places = tokens.places.unbound(2)
            x = x + rows.selectingRows(places[0]) + columns.selectingRows(places[1])
        }
        return x
    }
}
