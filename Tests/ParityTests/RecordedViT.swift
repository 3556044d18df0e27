import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The pixels of a picture's whole patches along one side: what is beyond them no reference reads.
func wholePatches(in side: Int, of patch: Int) -> Int { side / patch * patch }

/// A recorded vision transformer whose tensors are called or laid out otherwise than ours.
struct RecordedViT {
    let item: ParityCase

    /// The recorded weights by our names and in our layouts.
    ///
    /// Indices of relative positions are left out: they follow from the grid.
    func weights() throws -> [String: Tensor] {
        var found: [String: Tensor] = [:]
        for (name, tensor) in try item.weights where !name.hasSuffix("relative_position_index") {
            if name.contains(".attn.kv.") { continue }
            if name.contains(".attn.q.") {
                let others = try item.tensor("w/" + name.replacing(".attn.q.", with: ".attn.kv."))
                found[name.replacing(".attn.q.", with: ".attn.qkv.")] = concatenated(
                    [tensor, others], 0)
            } else if name.hasSuffix("mask_token") {
                found[Self.ourName(name)] = tensor[0]
            } else {
                found[Self.ourName(name)] = tensor
            }
        }
        return found
    }

    static func ourName(_ name: String) -> String {
        name.replacing(".ls1.gamma", with: ".gamma_1").replacing(".ls2.gamma", with: ".gamma_2")
            .replacing("mask_token", with: "masked_embed")
            .replacing(".attn.q.", with: ".attn.qkv.").replacing(".attn.kv.", with: ".attn.qkv.")
    }

    /// The form of the encoder, from the names and shapes of its tensors under `prefix`.
    func config(
        prefix: String = "", heads: Int, adjust: (inout VisionTransformer.Config) -> Void = { _ in }
    ) throws -> VisionTransformer.Config {
        var shapes: [String: [Int]] = [:]
        for (name, tensor) in try weights() where name.hasPrefix(prefix) {
            shapes[String(name.dropFirst(prefix.count))] = tensor.shape
        }
        return try VisionTransformer.Config(inferredFrom: shapes, heads: heads) {
            if $0.positions != .none { $0.positions = .learned }
            adjust(&$0)
        }
    }

    /// Compares every recorded gradient with ours; each of our gradients must be recorded.
    func compareGradients(of model: Module) throws {
        var left: [String: Tensor] = [:]
        for (name, parameter) in model.namedParameters {
            left[name] = parameter.gradient ?? .zeros(like: parameter.detached())
        }
        var used: Set<String> = []
        for name in try item.gradients.keys.sorted() {
            let ours = Self.ourName(name)
            guard let gradient = left[ours] else {
                Issue.record("\(item.testDescription): no parameter is called \(ours)")
                continue
            }
            used.insert(ours)
            let width = gradient.shape[0] / 3
            let part =
                name.contains(".attn.q.")
                ? gradient[..<width]
                : name.contains(".attn.kv.")
                    ? gradient[width...]
                    : name.hasSuffix("mask_token") ? gradient.unsqueezed(0) : gradient
            item.compare("grad/" + name, part)
        }
        for (name, gradient) in left where !used.contains(name) {
            #expect(gradient.abs().max().item == 0, "\(name) has a gradient that is not recorded")
        }
    }

    /// Compares the recorded indices of relative positions with those of a grid.
    func compareIndices(of grid: PatchGrid) throws {
        let expected = RelativePairs(of: grid, classToken: true).rows
        for name in try item.names("w/") where name.hasSuffix("relative_position_index") {
            #expect(try item.tensor(name).isEqual(to: expected), "\(name)")
        }
    }
}
