import Configuration
import Data
import Evaluation
import Foundation
import Testing
import Torch

@Suite("Assignment") struct AssignmentTests {
    /// The least cost over all ways to give min(rows, columns) rows a column of their own.
    private func bruteForce(_ costs: [[Int]], _ row: Int = 0, used: Set<Int> = []) -> Int {
        guard row < costs.count else { return 0 }
        let columns = costs[0].count
        var best = Int.max
        for column in 0..<columns where !used.contains(column) {
            let rest = bruteForce(costs, row + 1, used: used.union([column]))
            if rest < .max { best = min(best, costs[row][column] + rest) }
        }
        // A row may stay free where there are too few columns.
        if costs.count - row > columns - used.count {
            let rest = bruteForce(costs, row + 1, used: used)
            if rest < .max { best = min(best, rest) }
        }
        return best
    }

    @Test("costs as little as the best of all assignments", arguments: 0..<60)
    func brute(seed: Int) {
        var random = CounterRandom(seed: UInt64(seed), purpose: .method)
        let (rows, columns) = (random.integer(in: 1..<7), random.integer(in: 1..<7))
        let range = seed % 3 == 0 ? -3..<1 : -40..<40
        let costs = (0..<rows).map { _ in
            (0..<columns).map { _ in random.integer(in: range) }
        }
        let found = Assignment.cheapest(costs)
        let taken = found.compactMap { $0 }
        #expect(found.count == rows && taken.count == min(rows, columns))
        #expect(Set(taken).count == taken.count && taken.allSatisfy { (0..<columns).contains($0) })
        let cost = found.enumerated().reduce(0) { sum, pair in
            sum + (pair.element.map { costs[pair.offset][$0] } ?? 0)
        }
        #expect(cost == bruteForce(costs), "\(costs)")
    }

    @Test("nothing to assign")
    func empty() {
        #expect(Assignment.cheapest([]).isEmpty)
        #expect(Assignment.cheapest([[], []]) == [nil, nil])
    }
}

@Suite("Agreement of clusters and classes") struct ClusterScoresTests {
    /// The four numbers by their definitions over pairs and logarithms.
    private func naive(_ c: [Int], _ y: [Int]) -> (nmi: Double, ari: Double, fmi: Double) {
        let n = Double(c.count)
        func entropy(_ values: [Int]) -> Double {
            Set(values).reduce(0.0) { sum, value in
                let p = Double(values.count { $0 == value }) / n
                return sum - p * log(p)
            }
        }
        let joint = entropy(zip(c, y).map { $0 * 1000 + $1 })
        let (hc, hy) = (entropy(c), entropy(y))
        var (both, inC, inY, all) = (0.0, 0.0, 0.0, 0.0)
        for i in c.indices {
            for j in 0..<i {
                let (sameC, sameY) = (c[i] == c[j], y[i] == y[j])
                all += 1
                if sameC { inC += 1 }
                if sameY { inY += 1 }
                if sameC, sameY { both += 1 }
            }
        }
        let expected = inC * inY / all
        return (
            2 * (hc + hy - joint) / (hc + hy),
            (both - expected) / ((inC + inY) / 2 - expected), both / (inC * inY).squareRoot()
        )
    }

    @Test("equal to the definitions", arguments: 0..<8)
    func definitions(seed: Int) {
        var random = CounterRandom(seed: UInt64(seed), purpose: .method)
        let y = (0..<60).map { _ in random.integer(in: 0..<5) }
        let c = y.map { random.happens(0.6) ? $0 + 3 : random.integer(in: 0..<9) }
        let found = ClusterScores(clusters: c, labels: y)
        let expected = naive(c, y)
        #expect(abs(found.mutualInformation - expected.nmi) < 1e-12)
        #expect(abs(found.adjustedRand - expected.ari) < 1e-12)
        #expect(abs(found.fowlkesMallows - expected.fmi) < 1e-12)
        #expect(found.accuracy >= 0.5 && found.hits.count == 60)
    }

    @Test("numbers only tell apart: negative, far and shuffled ones score the same")
    func names() {
        let y = [0, 0, 1, 1, 2, 2, 2]
        let same = ClusterScores(clusters: [9, 9, -4, -4, 7000, 7000, 7000], labels: y)
        #expect(same.accuracy == 1 && same.adjustedRand == 1 && same.clusterCount == 3)
        #expect(abs(same.mutualInformation - 1) < 1e-12 && abs(same.fowlkesMallows - 1) < 1e-12)
        #expect(
            ClusterScores(clusters: [1, 1, 0, 2, 2, 2, 0], labels: y)
                == ClusterScores(clusters: [30, 30, 8, 5, 5, 5, 8], labels: y))
    }

    @Test("more clusters than classes: the left over ones are wrong")
    func leftOver() {
        let found = ClusterScores(clusters: [0, 0, 1, 2], labels: [0, 0, 0, 1])
        #expect(found.accuracy == 0.75 && found.hits == [true, true, false, true])
    }

    @Test("one cluster says nothing of two classes, and all of one")
    func single() {
        let found = ClusterScores(clusters: [4, 4, 4, 4], labels: [0, 0, 1, 1])
        #expect(found.mutualInformation == 0 && found.adjustedRand == 0 && found.accuracy == 0.5)
        let one = ClusterScores(clusters: [4, 4], labels: [1, 1])
        #expect(one.mutualInformation == 1 && one.adjustedRand == 1 && one.accuracy == 1)
    }
}

@Suite("k-means") struct KMeansTests {
    @Test("finds clouds that lie apart")
    func clouds() throws {
        let set = clusters(80, spread: 0.05, seed: 1)
        let found = KMeans(4)(set.values)
        #expect(ClusterScores(clusters: found.clusters, labels: set.labels).accuracy == 1)
        for (cluster, centre) in found.centres.unbound(0).enumerated() {
            let own = Tensor(found.clusters.indices.filter { found.clusters[$0] == cluster })
            let mean = set.values.selecting(own, 0).mean(0)
            #expect((mean - centre).abs().max().item < 1e-5)
        }
        let (scores, count, _) = try ClusteringEvaluation.means(set)
        #expect(scores.accuracy == 1 && count == 4)
    }

    @Test("the seed decides; more starts are never worse")
    func starts() {
        let set = clusters(60, spread: 2, seed: 1)
        let one = KMeans(7, starts: 1, seed: 5)(set.values)
        #expect(one.clusters == KMeans(7, starts: 1, seed: 5)(set.values).clusters)
        #expect(KMeans(7, starts: 6, seed: 5)(set.values).inertia <= one.inertia + 1e-6)
        #expect(one.iterations > 0)
    }

    @Test("equal vectors, and fewer of them than clusters")
    func degenerate() {
        let same = KMeans(3)(Tensor.ones([5, 2]))
        #expect(same.inertia < 1e-9 && same.clusters.count == 5)
        let few = KMeans(9)(Tensor([0, 1, 5] as [Float], shape: [3, 1]))
        #expect(Set(few.clusters).count == 3 && few.centres.shape == [3, 1])
    }

    @Test("a head's favourites; settings and heads that make no sense")
    func heads() throws {
        let labels = [0, 1, 2, 0, 1, 2]
        let set = Features(
            values: Tensor(labels).oneHot(classCount: 3).to(dtype: .float32), labels: labels)
        let found = try ClusteringEvaluation.prototypes(set) { $0 }
        #expect(found.accuracy == 1)
        #expect(throws: EvaluationError.self) {
            try ClusteringEvaluation.prototypes(set) { $0 / 0 }
        }
        var config = ClusteringEvaluation.Config()
        config.clusters = 7
        #expect {
            _ = try ClusteringEvaluation.scores(test: set, config)
        } throws: {
            "\($0)".contains("7 clusters of 6") && "\($0)".contains("lower protocol.clusters")
        }
        config.clusters = 0
        #expect(throws: ConfigurationError.self) { try config.validate() }
        let scores = try ClusteringEvaluation.scores(test: set)
        #expect(scores.map(\.metric) == ["acc", "nmi", "ari", "fmi"])
        #expect(scores.allSatisfy { $0.value == 100 } && scores[0].interval?.low == 100)
    }
}
