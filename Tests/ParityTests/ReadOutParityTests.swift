import Evaluation
import NN
import TestSupport
import Testing
import Torch

@Suite("Read-outs equal to those of the efficient-probing code") struct ReadOutParityTests {
    @Test("pooled tokens and gradients", arguments: ParityTable.cases("beyondcls", "pool_*"))
    func pooling(item: ParityCase) throws {
        let readOut = try Self.readOut(item)
        let mode = try item.config.string("mode")
        readOut.train(mode == "train")
        try readOut.load(try item.weights)
        let (pooled, weights) = readOut.withWeights(try item.tensor("in/tokens"))
        let loss = (pooled * (try item.tensor("in/cotangent"))).sum()
        loss.backward()
        item.compare("out/pooled", pooled)
        item.compare("out/loss", loss)
        item.compareGradients(
            of: readOut.namedParameters.filter { !$0.name.contains("norm2_cross") })
        if mode == "train", let bn = readOut as? AIMPooling {
            let state = Dictionary(bn.stateDict.map { ($0.name, $0.tensor) }) { first, _ in first }
            item.compare("out/bn_running_mean", try #require(state["bn.running_mean"]))
            item.compare("out/bn_running_var", try #require(state["bn.running_var"]))
        }
        #expect((weights.sum(-1) - 1).abs().max().item < 1e-5)
        item.finish()
    }

    private static func readOut(_ item: ParityCase) throws -> any ReadOut {
        let config = try item.config
        let (width, heads) = (try config.int("dim"), try config.int("num_heads"))
        let kind = try config.string("kind")
        let weights = try item.weights
        switch kind {
        case "aim":
            let queries = try #require(weights["cls_token"]).shape[1]
            return AIMPooling(width: width, heads: heads, queries: queries, generator: nil)
        case "cae":
            return CAEPooling(width: width, heads: heads, generator: nil)
        case "simpool":
            return SimPool(width: width, generator: nil)
        case "simpool_gamma":
            return SimPool(width: width, gamma: 1.25, generator: nil)
        case "esimpool":
            return SimPool(width: width, heads: heads)
        case let kind where kind.hasPrefix("ep_"):
            return EfficientProbing(
                inputWidth: width, queries: try #require(weights["cls_token"]).shape[1],
                outputDivisor: width / (try #require(weights["v.weight"]).shape[0]),
                generator: nil)
        case let kind where kind.hasPrefix("vjepa"):
            let further = weights.keys.filter {
                $0.hasPrefix("blocks.") && $0.hasSuffix("norm1.weight")
            }.count
            return AttentivePooler(
                width: width, heads: heads, depth: 1 + further,
                bare: weights["cross_attention_block.norm1.weight"] == nil, generator: nil)
        default:
            throw ParityKind(kind)
        }
    }

    private struct ParityKind: Error, CustomStringConvertible {
        let description: String
        init(_ kind: String) { description = "no read-out is called \(kind)" }
    }
}
